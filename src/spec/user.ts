/**
 * `--user name|uid[:group|gid]` looked up in an image's /etc/passwd and /etc/group, as runc does it.
 *
 * Pure: the texts come from the engine, read without following the image's links. Both files are hostile: lines that
 * make no sense are passed over, never guessed at. See passwd(5), group(5).
 */
import { BockerError } from "../errors.ts";

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group first, as docker has it, then memberships, then --group-add. */
  readonly additionalGids: readonly number[];
  /** From passwd; "/" for a user that is not there. */
  readonly home: string;
}

/** Larger ids are refused, as docker does. */
const maxId = 0x7fff_ffff;

export function parsePasswd(text: string): readonly PasswdEntry[] {
  return fieldsOf(text).flatMap(([name, , uid, gid, , home, shell]) => {
    const ids = [parseId(uid), parseId(gid)] as const;
    if (!name || ids[0] === undefined || ids[1] === undefined) return [];
    return [{ name, uid: ids[0], gid: ids[1], home: home ?? "", shell: shell ?? "" }];
  });
}

export function parseGroup(text: string): readonly GroupEntry[] {
  return fieldsOf(text).flatMap(([name, , gid, members]) => {
    const id = parseId(gid);
    if (!name || id === undefined) return [];
    return [{ name, gid: id, members: (members ?? "").split(",").filter((member) => member !== "") }];
  });
}

/**
 * Who a container's process is. An empty spec is uid 0; a number is an id whether or not passwd has it; a name must be
 * there. An explicit group replaces the user's and its memberships, as in runc.
 */
export function resolveUser(
  spec: string,
  passwdText: string,
  groupText: string,
  groupAdd: readonly string[] = [],
): ResolvedUser {
  const [userPart = "", groupPart = ""] = spec.split(":", 2);
  const groups = parseGroup(groupText);
  const user = findUser(userPart, parsePasswd(passwdText));
  const explicitGid = groupPart === "" ? undefined : findGroup(groupPart, groups, "unable to find group");
  const memberships =
    explicitGid === undefined && user.name !== undefined
      ? groups.filter(({ members }) => members.includes(user.name ?? "")).map(({ gid }) => gid)
      : [];
  const gid = explicitGid ?? user.gid;
  const added = groupAdd.map((group) => findGroup(group, groups, "Unable to find group"));
  return {
    uid: user.uid,
    gid,
    additionalGids: [...new Set([gid, ...memberships, ...added])],
    home: user.home,
  };
}

interface FoundUser {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly name?: string;
}

function findUser(wanted: string, entries: readonly PasswdEntry[]): FoundUser {
  const id = wanted === "" ? 0 : parseNumber(wanted);
  const entry = entries.find(({ name, uid }) => (id === undefined ? name === wanted : uid === id));
  if (entry !== undefined) {
    return { uid: entry.uid, gid: entry.gid, home: entry.home || "/", name: entry.name };
  }
  if (id === undefined) throw notFound(`unable to find user ${wanted}: no matching entries in passwd file`);
  return { uid: inRange(id), gid: 0, home: "/" };
}

function findGroup(wanted: string, entries: readonly GroupEntry[], problem: string): number {
  const id = parseNumber(wanted);
  const entry = entries.find(({ name, gid }) => name === wanted || gid === id);
  if (entry !== undefined) return entry.gid;
  if (id === undefined) throw notFound(`${problem} ${wanted}: no matching entries in group file`);
  return inRange(id);
}

function notFound(message: string): BockerError {
  return new BockerError(message, {
    kind: "not-found",
    hint: "the image's /etc/passwd and /etc/group decide; a numeric id always works",
  });
}

function inRange(id: number): number {
  if (id >= 0 && id <= maxId) return id;
  throw new BockerError(`uids and gids must be in range 0-${maxId}`, { kind: "invalid-config" });
}

/** Go's Atoi: a sign is a number too, so that -1 is out of range and not a name. */
function parseNumber(text: string): number | undefined {
  const sign = text[0] === "-" || text[0] === "+" ? 1 : 0;
  return isDigits(text, sign) ? Number(text) : undefined;
}

function parseId(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 10 || !isDigits(text, 0)) return undefined;
  const id = Number(text);
  return id <= maxId ? id : undefined;
}

/** By character: a first regular expression costs each `run` 50 µs. */
function isDigits(text: string, from: number): boolean {
  for (let index = from; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x30 || code > 0x39) return false;
  }
  return text.length > from;
}

/** Lines of colon-separated fields, without comments and blanks. */
function fieldsOf(text: string): readonly (readonly string[])[] {
  const lines: (readonly string[])[] = [];
  for (const untrimmed of text.split("\n")) {
    const line = untrimmed.trim();
    if (line !== "" && line[0] !== "#") lines.push(line.split(":"));
  }
  return lines;
}

/**
 * `--userns`, `--uidmap`, `--gidmap` and their relatives as they are written. Pure.
 *
 * Grammar and phrases: podman-run(1), which docker's `host` is a part of. Which ids a container gets is the engine's
 * to say (src/engine/container-userns.ts).
 */
import type { IdMapping, IdMaps } from "../security/id-map.ts";

export type UsernsRequest =
  | { readonly kind: "host" }
  /** With maps of the user's own. */
  | { readonly kind: "private" }
  /** Ids that no other container has. */
  | { readonly kind: "auto"; readonly size?: number; readonly fixed: IdMaps }
  | { readonly kind: "keep-id"; readonly uid?: number; readonly gid?: number }
  | { readonly kind: "nomap" }
  | { readonly kind: "container"; readonly container: string };

const maxId = 2 ** 32 - 1;

/** Throws Error(reason). */
export function parseUserns(text: string): UsernsRequest {
  const [mode = "", rest = ""] = splitOnce(text);
  const hasRest = text.includes(":");
  if (mode === "auto") return parseAuto(rest);
  if (mode === "keep-id") return parseKeepId(rest);
  if (mode === "container" && rest !== "") return { kind: "container", container: rest };
  if ((mode === "host" || mode === "nomap" || mode === "private") && !hasRest) return { kind: mode };
  if (mode === "ns")
    throw new Error(
      `cannot honour --userns ${JSON.stringify(text)}: only a container's namespace can be joined`,
    );
  throw new Error("--userns: invalid USER mode");
}

/** `auto:size=N,uidmapping=C:H:S,gidmapping=C:H:S`. */
function parseAuto(rest: string): UsernsRequest {
  let size: number | undefined;
  const fixed = { uidMappings: [] as IdMapping[], gidMappings: [] as IdMapping[] };
  for (const [key, value] of fields(rest)) {
    if (key === "size") size = parseId(value, "size");
    else if (key === "uidmapping") fixed.uidMappings.push(parseTriple(value));
    else if (key === "gidmapping") fixed.gidMappings.push(parseTriple(value));
    else throw new Error(`unknown option specified: ${JSON.stringify(key)}`);
  }
  if (size === 0) throw new Error("--userns: size of 0 maps no id");
  return { kind: "auto", fixed, ...(size === undefined ? {} : { size }) };
}

/** `keep-id:uid=U,gid=G`. */
function parseKeepId(rest: string): UsernsRequest {
  let result: Extract<UsernsRequest, { kind: "keep-id" }> = { kind: "keep-id" };
  for (const [key, value] of fields(rest)) {
    if (key !== "uid" && key !== "gid") throw new Error(`unknown option specified: ${JSON.stringify(key)}`);
    result = { ...result, [key]: parseId(value, key) };
  }
  return result;
}

/**
 * The words of --uidmap or --gidmap as a map: `[+][ug]CONTAINER:[@]HOST[:AMOUNT]`. With `+` a word takes ids out of
 * the earlier ones; words that are for the other kind of ids are left out. Overlaps stay, for checkIdMap to name.
 */
export function parseIdMap(
  words: readonly string[],
  kind: "uid" | "gid",
  base: readonly IdMapping[] = [],
): readonly IdMapping[] {
  let map = base;
  for (const word of words) {
    const [, flags = "", triple = ""] = /^([+ug]*)(.*)$/s.exec(word) ?? [];
    const mapping = parseTriple(triple, word);
    if (/[ug]/.test(flags) && !flags.includes(kind.charAt(0))) continue;
    map = flags.includes("+") ? replaceIn(map, mapping) : [...map, mapping];
  }
  return map;
}

/** The map with this extent in it, and nothing else of its container ids or host ids. */
export function replaceIn(map: readonly IdMapping[], extent: IdMapping): readonly IdMapping[] {
  const { containerID, hostID, size } = extent;
  const kept = map
    .flatMap((each) => without(each, containerID - each.containerID, size))
    .flatMap((each) => without(each, hostID - each.hostID, size));
  return [...kept, extent].toSorted((left, right) => left.containerID - right.containerID);
}

/** What is left of an extent without `size` ids from `offset` on. */
function without(extent: IdMapping, offset: number, size: number): readonly IdMapping[] {
  const [first, end] = [Math.max(0, offset), Math.min(extent.size, offset + size)];
  if (first >= end) return [extent];
  const part = (from: number, to: number): readonly IdMapping[] =>
    from >= to
      ? []
      : [{ containerID: extent.containerID + from, hostID: extent.hostID + from, size: to - from }];
  return [...part(0, first), ...part(end, extent.size)];
}

function parseTriple(text: string, word = text): IdMapping {
  const [container = "", host = "", amount = "1", ...more] = text.split(":");
  const numbers = [container, host.replace(/^@/, ""), amount];
  if (more.length > 0 || !numbers.every((each) => /^\d+$/.test(each) && Number(each) <= maxId))
    throw new Error(
      `invalid id mapping ${JSON.stringify(word)}: expected [+ug]CONTAINER_ID:[@]HOST_ID[:AMOUNT]`,
    );
  const [containerID = 0, hostID = 0, size = 0] = numbers.map(Number);
  return { containerID, hostID, size };
}

function fields(text: string): readonly (readonly [key: string, value: string])[] {
  if (text === "") return [];
  return text.split(",").map((field) => {
    const equals = field.indexOf("=");
    return equals < 0 ? [field, ""] : [field.slice(0, equals), field.slice(equals + 1)];
  });
}

function parseId(text: string, what: string): number {
  if (/^\d+$/.test(text) && Number(text) <= maxId) return Number(text);
  throw new Error(`--userns: invalid ${what} ${JSON.stringify(text)}`);
}

function splitOnce(text: string): readonly [string, string] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
}

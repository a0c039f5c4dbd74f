/**
 * What `exec` is asked to run: a process.json, or the container's own process changed by options. Pure.
 *
 * As in runc: the environment is the container's and what is added; capabilities, limits and no_new_privs are the
 * container's; a capability that is added is bounding, effective and permitted, and ambient only where the container has
 * inheritable ones: what exec adds is not handed on to what its process executes.
 */
import { BockerError } from "../errors.ts";
import { capabilityNames } from "../security/capability.ts";
import type { SpecCapabilities, SpecProcess, SpecUser } from "../spec/oci.ts";
import { type OciOptions, usage } from "./option.ts";

/** The process that options and words describe. `base`: the container's. */
export function processOfOptions(
  base: SpecProcess | undefined,
  options: OciOptions,
  args: readonly string[],
): SpecProcess {
  if (args.length === 0) throw usage("process args cannot be empty");
  if (base === undefined) throw new BockerError("the container has no process", { kind: "invalid-config" });
  const cwd = options.value("cwd") ?? base.cwd;
  if (!cwd.startsWith("/")) throw usage(`--cwd ${JSON.stringify(cwd)} is not an absolute path`);
  const { terminal: _terminal, consoleSize: _size, ...kept } = base;
  const selinuxLabel = options.value("process-label");
  const apparmorProfile = options.value("apparmor");
  const caps = options.list("cap").map(capabilityOf);
  return {
    ...kept,
    args,
    cwd,
    terminal: options.flag("tty"),
    env: [...(base.env ?? []), ...options.list("env").map(environmentWord)],
    user: userOf(base.user, options),
    ...(caps.length === 0 ? {} : { capabilities: withCapabilities(base.capabilities, caps) }),
    ...(selinuxLabel === undefined ? {} : { selinuxLabel }),
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(options.flag("no-new-privs") ? { noNewPrivileges: true } : {}),
  };
}

function environmentWord(word: string): string {
  if (word.includes("=") && !word.startsWith("=")) return word;
  throw usage(`--env ${JSON.stringify(word)} is not NAME=VALUE`);
}

function userOf(base: SpecUser, options: OciOptions): SpecUser {
  const more = options.list("additional-gids").map((word) => idOf(word, "additional-gids"));
  const text = options.value("user");
  const [uid, gid] = text === undefined ? [base.uid, base.gid] : userIds(text, base);
  return { ...base, uid, gid, additionalGids: [...(base.additionalGids ?? []), ...more] };
}

/** `UID` or `UID:GID`; names are the engine's business. */
function userIds(text: string, base: SpecUser): readonly [number, number] {
  const [uid = "", gid] = text.split(":", 2);
  return [idOf(uid, "user"), gid === undefined ? base.gid : idOf(gid, "user")];
}

function idOf(word: string, option: string): number {
  const id = /^\d+$/.test(word) ? Number(word) : Number.NaN;
  if (id <= 0xffff_fffe) return id;
  throw usage(`invalid value ${JSON.stringify(word)} for --${option}: expected numeric ids`);
}

function capabilityOf(word: string): string {
  const upper = word.toUpperCase();
  const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  if ((capabilityNames as readonly string[]).includes(name)) return name;
  throw usage(`unknown capability ${JSON.stringify(word)}`);
}

function withCapabilities(base: SpecCapabilities = {}, names: readonly string[]): SpecCapabilities {
  const add = (set: readonly string[] = []): readonly string[] => [...new Set([...set, ...names])];
  return {
    ...base,
    bounding: add(base.bounding),
    effective: add(base.effective),
    permitted: add(base.permitted),
    ...((base.inheritable ?? []).length === 0 ? {} : { ambient: add(base.ambient) }),
  };
}

/**
 * Options of a tmpfs mount, docker's defaults with the user's laid over them.
 *
 * Pure. Of options that contradict each other, or give one key twice, the last wins; words tmpfs does not know are an
 * error, as in docker. See tmpfs(5) and mount(8).
 */
import { BockerError } from "../errors.ts";

const defaults = ["noexec", "nosuid", "nodev", "rprivate"];

/** Flags by what they decide: only the last of each kind is kept. */
const kinds: Readonly<Record<string, string>> = {
  ro: "write",
  rw: "write",
  exec: "exec",
  noexec: "exec",
  suid: "suid",
  nosuid: "suid",
  dev: "dev",
  nodev: "dev",
  sync: "sync",
  async: "sync",
  dirsync: "dirsync",
  mand: "mand",
  nomand: "mand",
  atime: "atime",
  noatime: "atime",
  relatime: "atime",
  norelatime: "atime",
  strictatime: "atime",
  nostrictatime: "atime",
  diratime: "diratime",
  nodiratime: "diratime",
  bind: "bind",
  rbind: "bind",
  shared: "propagation",
  rshared: "propagation",
  slave: "propagation",
  rslave: "propagation",
  private: "propagation",
  rprivate: "propagation",
  unbindable: "propagation",
  runbindable: "propagation",
  defaults: "defaults",
};

const keys = ["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"];

/** docker's `noexec,nosuid,nodev` with these over it. */
export function mergeTmpfsOptions(options: readonly string[]): readonly string[] {
  const merged = new Map<string, string>();
  for (const option of [...defaults, ...options]) {
    const kind = kindOf(option);
    merged.delete(kind);
    merged.set(kind, option);
  }
  merged.delete("defaults");
  return [...merged.values()];
}

function kindOf(option: string): string {
  const equals = option.indexOf("=");
  const key = equals === -1 ? option : option.slice(0, equals);
  const kind = equals === -1 ? kinds[option] : keys.find((known) => known === key);
  if (kind === undefined) {
    throw new BockerError(`Invalid tmpfs option ["${option}"]`, {
      kind: "invalid-config",
      hint: `known: ${keys.map((known) => `${known}=`).join(" ")} ro exec suid dev noatime …`,
    });
  }
  return kind;
}

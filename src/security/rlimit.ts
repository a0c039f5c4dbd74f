/**
 * Resource limits: the names of --ulimit and of the runtime spec, and their numbers.
 *
 * Pure. Numbers are include/uapi/asm-generic/resource.h, the same on x86-64 and arm64; see getrlimit(2).
 */

/** In kernel order: the index is the resource's number. */
export const rlimitNames = [
  "cpu",
  "fsize",
  "data",
  "stack",
  "core",
  "rss",
  "nproc",
  "nofile",
  "memlock",
  "as",
  "locks",
  "sigpending",
  "msgqueue",
  "nice",
  "rtprio",
  "rttime",
] as const;

/** RLIM_INFINITY: what -1 means in --ulimit. */
export const rlimInfinity = 0xffff_ffff_ffff_ffffn;

/** `nofile` or `RLIMIT_NOFILE` to the kernel's number; undefined: no such limit. */
export function rlimitNumber(name: string): number | undefined {
  const bare = name.toLowerCase().replace(/^rlimit_/, "");
  const index = (rlimitNames as readonly string[]).indexOf(bare);
  return index === -1 ? undefined : index;
}

/** `nofile` to the runtime spec's `RLIMIT_NOFILE`. */
export function rlimitType(name: string): string {
  return `RLIMIT_${name.toUpperCase()}`;
}

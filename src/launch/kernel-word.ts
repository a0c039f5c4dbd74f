/**
 * Names and lists of the kernel's that a Spec spells out: scheduler policies and flags, I/O classes, personalities,
 * CPU lists. Pure; their numbers are in ffi/flags.ts.
 */
import { BockerError } from "../errors.ts";
import type {
  IoClass,
  MemoryPolicyFlag,
  MemoryPolicyMode,
  PersonalityDomain,
  SchedulerFlag,
  SchedulerPolicy,
  SeccompFlag,
} from "./operation.ts";

export const schedulerPolicies: readonly SchedulerPolicy[] = [
  "SCHED_OTHER",
  "SCHED_FIFO",
  "SCHED_RR",
  "SCHED_BATCH",
  "SCHED_ISO",
  "SCHED_IDLE",
  "SCHED_DEADLINE",
];

export const memoryPolicyModes: readonly MemoryPolicyMode[] = [
  "MPOL_DEFAULT",
  "MPOL_PREFERRED",
  "MPOL_BIND",
  "MPOL_INTERLEAVE",
  "MPOL_LOCAL",
  "MPOL_PREFERRED_MANY",
  "MPOL_WEIGHTED_INTERLEAVE",
];

export const memoryPolicyFlags: readonly MemoryPolicyFlag[] = [
  "MPOL_F_NUMA_BALANCING",
  "MPOL_F_RELATIVE_NODES",
  "MPOL_F_STATIC_NODES",
];

export const schedulerFlags: readonly SchedulerFlag[] = [
  "SCHED_FLAG_RESET_ON_FORK",
  "SCHED_FLAG_RECLAIM",
  "SCHED_FLAG_DL_OVERRUN",
  "SCHED_FLAG_KEEP_POLICY",
  "SCHED_FLAG_KEEP_PARAMS",
  "SCHED_FLAG_UTIL_CLAMP_MIN",
  "SCHED_FLAG_UTIL_CLAMP_MAX",
];

export const ioClasses: readonly IoClass[] = ["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"];

export const personalities: readonly PersonalityDomain[] = ["LINUX", "LINUX32"];

/** Those that a Spec may ask for; the listener's comes with `listenerPath`. */
export const seccompFlags: readonly SeccompFlag[] = [
  "SECCOMP_FILTER_FLAG_TSYNC",
  "SECCOMP_FILTER_FLAG_LOG",
  "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
  "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
];

/** The word, if it is one of those there are. */
export function checked<Word extends string>(what: string, word: string, words: readonly Word[]): Word {
  const found = words.find((each) => each === word);
  if (found !== undefined) return found;
  throw new BockerError(`invalid ${what} "${word}": it is one of ${words.join(", ")}`, {
    kind: "invalid-config",
  });
}

/** More CPUs than any kernel has; keeps `0-4294967295` from filling the memory. */
const maxCpu = 8191;

/** `0-3,7` as numbers, as cpuset(7) writes lists. */
export function parseCpuList(text: string, kind: "CPU" | "node" = "CPU"): readonly number[] {
  return text.split(",").flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (match === null || last < first || last > maxCpu)
      throw new BockerError(`invalid ${kind} list "${text}"`, { kind: "invalid-config" });
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

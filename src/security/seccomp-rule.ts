/**
 * Seccomp policies as data: the runtime spec's `linux.seccomp`, with its own keys and words.
 *
 * Types and word lists only; src/spec re-exports them. Choosing rules is seccomp-profile.ts, turning them into a
 * program is seccomp-compile.ts. See config-linux.md#seccomp of the runtime spec.
 */

export const seccompActions = [
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_LOG",
  "SCMP_ACT_NOTIFY",
] as const;

export type SeccompAction = (typeof seccompActions)[number];

export const seccompOperators = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
] as const;

export type SeccompOperator = (typeof seccompOperators)[number];

export interface SeccompArg {
  /** 0 to 5. */
  readonly index: number;
  /** Compared as 64 unsigned bits; for SCMP_CMP_MASKED_EQ the mask. */
  readonly value: number | bigint;
  /** For SCMP_CMP_MASKED_EQ what the masked argument must equal; absent: 0. */
  readonly valueTwo?: number | bigint;
  readonly op: SeccompOperator;
}

export interface SeccompSyscallRule {
  readonly names: readonly string[];
  readonly action: SeccompAction;
  readonly errnoRet?: number;
  /** All must hold; where two are about the same argument each stands alone, as in runc and crun. */
  readonly args?: readonly SeccompArg[];
}

export interface SeccompPolicy {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly SeccompSyscallRule[];
}

/** The machines bocker runs on, as `uname -m` says. */
export type SeccompArch = "x86_64" | "aarch64";

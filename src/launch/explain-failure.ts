/**
 * {index, errno} of a failed operation → an error in the words that docker's and runc's users know.
 *
 * Pure. Exit codes are docker's: 127 not found, 126 cannot be executed; otherwise the command's own (125 for run).
 */
import { BockerError, type ErrorKind, ExitCode } from "../errors.ts";
import type { LaunchOperation, LaunchPlan } from "./plan.ts";
import type { Execve, Find, VerifyFd } from "./process-operation.ts";

export interface LaunchFailure {
  /** Index of the operation in the plan. */
  readonly index: number;
  /** `ENOENT`. */
  readonly code: string;
  /** `no such file or directory`. */
  readonly text: string;
  /** For execve: the candidate that is there and yet cannot be run; -1 when none was found. */
  readonly detail: number;
  /** The SyscallError or whatever else the caller knows. */
  readonly cause?: unknown;
}

interface Explanation {
  readonly message: string;
  readonly kind: ErrorKind;
  readonly exitCode?: number;
  readonly hint?: string | undefined;
}

/** The error to throw for a failed launch. */
export function explainFailure(plan: LaunchPlan, failure: LaunchFailure): BockerError {
  const operation = plan.operations[failure.index];
  const { message, kind, exitCode = fallbackExitCode(plan), hint } = explain(operation, failure);
  return new BockerError(`${prefixes[plan.purpose]}${message}`, {
    kind,
    details: { operation: failure.index, call: operation?.call, errno: failure.code },
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(hint === undefined ? {} : { hint }),
    ...(failure.cause === undefined ? {} : { cause: failure.cause }),
  });
}

/** A hook's error gets its name where hooks are run. */
const prefixes: Readonly<Record<LaunchPlan["purpose"], string>> = {
  create: "OCI runtime create failed: unable to start container process: error during container init: ",
  exec: "OCI runtime exec failed: exec failed: unable to start container process: ",
  hook: "",
};

/** Docker's exec says 126 for whatever the runtime could not do; its run says 125, which is the command's default. */
function fallbackExitCode({ purpose }: LaunchPlan): number | undefined {
  return purpose === "exec" ? ExitCode.cannotExecute : undefined;
}

function explain(operation: LaunchOperation | undefined, failure: LaunchFailure): Explanation {
  if (operation === undefined) return { message: `init: ${failure.text}`, kind: "internal" };
  switch (operation.call) {
    case "execve":
    case "find":
      return explainExecve(operation, failure);
    case "chdir":
      return explainChdir(operation.step, failure);
    case "prlimit64":
      return explainRlimit(operation.step, failure);
    case "verify-fd":
      return explainVerify(operation, failure);
    default:
      return explainCall(operation, failure);
  }
}

function explainExecve(
  { args, candidates }: Execve | Find,
  { code, text, detail }: LaunchFailure,
): Explanation {
  const word = args[0] ?? "";
  const path = candidates[Math.max(0, detail)] ?? word;
  if (code === "ENOENT" && detail === -1) return commandNotFound(word);
  if (code === "ENOTDIR" && detail === -1) {
    return {
      ...commandNotFound(word),
      message: `exec: ${JSON.stringify(word)}: stat ${word}: not a directory`,
    };
  }
  const failed = { kind: "command-not-executable", exitCode: ExitCode.cannotExecute } as const;
  if (code === "EACCES" || code === "EISDIR")
    return { ...failed, message: `exec: ${JSON.stringify(word)}: ${text}` };
  if (code === "ENOENT") {
    const hint = `${path} exists, but the interpreter it names (its #! line, or the ELF loader) does not`;
    return { message: `exec ${path}: ${text}`, kind: "command-not-found", exitCode: ExitCode.notFound, hint };
  }
  if (code !== "ENOEXEC") return { ...failed, message: `exec ${path}: ${text}` };
  const hint = `the program was built for another architecture than this machine's (${process.arch}), or is a script without a #! line`;
  return { ...failed, message: `exec ${path}: exec format error`, hint };
}

function commandNotFound(word: string): Explanation {
  const reason = word.includes("/")
    ? `stat ${word}: no such file or directory`
    : "executable file not found in $PATH";
  return {
    message: `exec: ${JSON.stringify(word)}: ${reason}`,
    kind: "command-not-found",
    exitCode: ExitCode.notFound,
    hint: word.startsWith("-") ? "options go before the image's or container's name" : undefined,
  };
}

function explainChdir(step: string, { code, text }: LaunchFailure): Explanation {
  const message = `${step} failed: ${text}`;
  if (code === "ENOENT") return { message, kind: "command-not-found", exitCode: ExitCode.notFound };
  if (code === "EACCES") return { message, kind: "permission", exitCode: ExitCode.cannotExecute };
  return { message, kind: "host" };
}

function explainRlimit(step: string, { code, text }: LaunchFailure): Explanation {
  const hint =
    code === "EPERM" ? "raising a hard limit needs CAP_SYS_RESOURCE, which bocker runs without" : undefined;
  return { message: `error ${step}: ${text}`, kind: "permission", hint };
}

/** What an image or a volume was made for: one line that says so. */
function explainVerify({ step, fact }: VerifyFd, { code, text }: LaunchFailure): Explanation {
  if (code === "EXDEV" && fact === "outside-proc") {
    const message = `error ${step}: its symbolic links lead into /proc, where nothing can be mounted`;
    return { message, kind: "invalid-config" };
  }
  const message = code === "ENOTTY" ? `${step}: it is not the null device` : `${step}: ${text}`;
  return { message, kind: "host", hint: code === "ENOTTY" ? "the image or a volume has made it" : undefined };
}

function explainCall(operation: LaunchOperation, failure: LaunchFailure): Explanation {
  const { step, call } = operation;
  const { code, text } = isFileOnDirectory(operation, failure) ? notADirectory : failure;
  if (step.startsWith("mounting ")) {
    return { message: `error ${step}: ${call}: ${text}`, kind: "host", hint: mountHint(step, code) };
  }
  if (step.startsWith("open /proc/sys/")) return { message: `${step}: ${text}`, kind: "host" };
  const kind: ErrorKind = code === "EPERM" || code === "EACCES" ? "permission" : "host";
  return { message: `${step}: ${call}: ${text}`, kind, hint: callHint(operation, code) };
}

const notADirectory = { code: "ENOTDIR", text: "not a directory" } as const;

/** move_mount(2) says EINVAL where mount(2) says ENOTDIR. The other way round, opening the target has failed already. */
function isFileOnDirectory({ call }: LaunchOperation, { code }: LaunchFailure): boolean {
  return call === "move_mount" && code === "EINVAL";
}

/** What an errno of the mount family means; the kernel gives no more than the number. */
function mountHint(step: string, code: string): string | undefined {
  switch (code) {
    case "ENOTDIR":
      return "Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type";
    case "ENOSPC":
      return "the mount table is full: see /proc/sys/fs/mount-max";
    case "ELOOP":
      return / at "\/(proc|sys|dev)"/.test(step)
        ? "it must be mounted on ordinary directory: the image has a symbolic link where this file system belongs"
        : "the target's symbolic links lead in a circle";
    case "ENODEV":
      return "the kernel does not have this file system";
    case "EROFS":
      return "the mount point does not exist and cannot be made: it lies on a read-only file system";
    default:
      return undefined;
  }
}

function callHint({ call }: LaunchOperation, code: string): string | undefined {
  if (call === "seccomp" && code === "EINVAL") return "the kernel refused the seccomp filter";
  if (call === "setgroups" && code === "EPERM") return "bocker has no CAP_SETGID here";
  if (call === "setns" && code === "EPERM")
    return "joining namespaces needs CAP_SYS_ADMIN: run as root with it";
  if (code === "ENOSYS") return `the kernel does not know ${call}`;
  return undefined;
}

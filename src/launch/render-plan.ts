/**
 * A plan as text, one operation a line, arguments decoded as strace does: what `run --dry-run` prints.
 *
 *   clone3(CLONE_NEWNS|CLONE_NEWPID, stdin, stdout, stderr, tape, status, go, rootfs)
 *   fsopen("proc", FSOPEN_CLOEXEC) = proc.2          # mounting "proc" to rootfs at "/proc"
 *
 * Pure. Descriptors are shown by name. Most operations need no undo: they are the child's own and end with it.
 */
import { capabilitiesOfMask } from "../security/capability.ts";
import type { Fd } from "./operation.ts";
import type { LaunchOperation, LaunchPlan } from "./plan.ts";

const commentColumn = 80;

/** The lines, without line ends. */
export function renderPlan(plan: LaunchPlan): readonly string[] {
  const flags = plan.cloneFlags.length === 0 ? "0" : plan.cloneFlags.join("|");
  const fds = ["stdin", "stdout", "stderr", ...plan.inherits].join(", ");
  return [
    withComment(`clone3(${flags}, {${fds}})`, "undo: kill it; its namespaces and mounts go with it"),
    ...plan.operations.map((operation) => renderOperation(operation)),
  ];
}

/** One operation, with what it is for and, where it outlives the process, how it is undone. */
export function renderOperation(operation: LaunchOperation): string {
  const call = `${operation.call}(${argumentsOf(operation).join(", ")})`;
  const kept = "keep" in operation && operation.keep !== undefined ? ` = ${operation.keep}` : "";
  const ignored = operation.ignore === undefined ? [] : [`${operation.ignore.join(", ")} ignored`];
  const unless =
    "unless" in operation && operation.unless !== undefined ? [`unless ${operation.unless} was done`] : [];
  const undo = undoOf(operation);
  const notes = [operation.step, ...ignored, ...unless, ...(undo === undefined ? [] : [`undo: ${undo}`])];
  return withComment(call + kept, notes.join("; "));
}

function withComment(text: string, comment: string): string {
  return `${text.padEnd(commentColumn)} # ${comment}`;
}

/** What stays when the process is gone: things in the container's own root file system. */
function undoOf(operation: LaunchOperation): string | undefined {
  const makes =
    operation.call === "mkdirat" || (operation.call === "openat" && operation.flags.includes("O_CREAT"));
  return makes ? "goes with the container's layer" : undefined;
}

/** The arguments in the kernel's order. Fields that say nothing about the call itself are left out. */
function argumentsOf(operation: LaunchOperation): readonly string[] {
  switch (operation.call) {
    case "prctl":
      return [operation.option, operation.argumentName ?? textOf(operation.argument)];
    case "prlimit64":
      return [
        "0",
        operation.resourceName,
        `{soft=${limitOf(operation.soft)}, hard=${limitOf(operation.hard)}}`,
      ];
    case "umask":
      return [octal(operation.mask)];
    case "mknodat":
      return [
        fdOf(operation.dirfd),
        quote(operation.path),
        octal(operation.mode),
        `makedev(${operation.major}, ${operation.minor})`,
      ];
    case "mkdirat":
      return [fdOf(operation.dirfd), quote(operation.path), octal(operation.mode)];
    case "openat":
      return [
        fdOf(operation.dirfd),
        quote(operation.path),
        flagsOf(operation.flags),
        ...(operation.mode === undefined ? [] : [octal(operation.mode)]),
      ];
    case "openat2":
      return [
        fdOf(operation.dirfd),
        quote(operation.path),
        `{flags=${flagsOf(operation.flags)}, resolve=${flagsOf(operation.resolve)}}`,
      ];
    case "mount_setattr":
      return [
        fdOf(operation.dirfd),
        quote(operation.path),
        flagsOf(operation.flags),
        `{set=${flagsOf(operation.set)}, clr=${flagsOf(operation.clear)}, propagation=${flagsOf(operation.propagation)}${operation.userNamespace === undefined ? "" : `, userns=${operation.userNamespace}`}}`,
      ];
    case "mount":
      return [
        textOf(operation.source),
        quote(operation.target),
        textOf(operation.fsType),
        flagsOf(operation.flags),
        operation.data === "" ? "NULL" : quote(operation.data),
      ];
    case "setgroups":
      return [String(operation.gids.length), `[${operation.gids.join(", ")}]`];
    case "move_mount":
      return [
        fdOf(operation.fromFd),
        quote(operation.from),
        fdOf(operation.toFd),
        quote(operation.to),
        flagsOf(operation.flags),
      ];
    case "capset":
      return [
        `effective=${capabilities(operation.effective)}`,
        `permitted=${capabilities(operation.permitted)}`,
        `inheritable=${capabilities(operation.inheritable)}`,
      ];
    case "drop-bounding":
      return [capabilities(operation.capabilities)];
    case "seccomp":
      return ["SECCOMP_SET_MODE_FILTER", flagsOf(operation.flags), `{len=${operation.filter.length / 8}}`];
    case "find":
      return [`{${operation.candidates.map(quote).join(", ")}}`];
    case "execve":
      return [
        `{${operation.candidates.map(quote).join(", ")}}`,
        `[${operation.args.map(quote).join(", ")}]`,
        `[${operation.env.length} variables]`,
        ...(operation.init ? ["under init"] : []),
      ];
    default:
      return plainArguments(operation);
  }
}

const notArguments: ReadonlySet<string> = new Set(["call", "step", "ignore", "keep", "unless"]);

/** Calls whose fields are their arguments, in order, and print as they are. */
function plainArguments(operation: LaunchOperation): readonly string[] {
  return Object.entries(operation).flatMap(([field, value]) => {
    if (notArguments.has(field)) return [];
    return [isFdField(field) ? fdOf(value as Fd) : field === "request" ? String(value) : textOf(value)];
  });
}

function isFdField(field: string): boolean {
  return field === "fd" || field === "dirfd" || field === "fromFd" || field === "toFd";
}

function fdOf(fd: Fd): string {
  return String(fd);
}

function textOf(value: unknown): string {
  if (value === null) return "NULL";
  if (Array.isArray(value))
    return value.every((item) => typeof item === "string") ? flagsOf(value) : `[${value.join(", ")}]`;
  return typeof value === "string" && !/^(FSCONFIG|KEYCTL|AF|F|FD|SCHED|IOPRIO)_/.test(value)
    ? quote(value)
    : String(value);
}

function flagsOf(flags: readonly string[]): string {
  return flags.length === 0 ? "0" : flags.join("|");
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`;
}

function limitOf(limit: bigint): string {
  return limit === 0xffff_ffff_ffff_ffffn ? "RLIM_INFINITY" : String(limit);
}

function capabilities(mask: bigint): string {
  return mask === 0n ? "0" : capabilitiesOfMask(mask).join("|");
}

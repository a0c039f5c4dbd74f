/**
 * Operations on the process itself: its namespaces, limits, identity and privileges, and init's own few.
 *
 * Types only, one a call, each with the argument why it is safe. The union of all is in plan.ts.
 */
import type {
  CloneFlag,
  CloseRangeFlag,
  Common,
  Fd,
  IoClass,
  MemoryPolicyFlag,
  MemoryPolicyMode,
  PersonalityDomain,
  PrctlOption,
  SchedulerFlag,
  SchedulerPolicy,
  SeccompFlag,
} from "./operation.ts";

/** Joins a namespace. Before any file of the container is looked at, and never with its processes able to trace us (PR_SET_DUMPABLE 0). */
export interface Setns extends Common {
  readonly call: "setns";
  readonly fd: Fd;
  readonly types: readonly CloneFlag[];
}

/** New namespaces for this process alone; used for the cgroup namespace, whose root is the cgroup one is in by then. */
export interface Unshare extends Common {
  readonly call: "unshare";
  readonly flags: readonly CloneFlag[];
}

/** A session of its own: no controlling terminal of the host is left to inject input into (TIOCSTI). */
export interface Setsid extends Common {
  readonly call: "setsid";
}

/** Touches this process's own settings only. */
export interface Prctl extends Common {
  readonly call: "prctl";
  readonly option: PrctlOption;
  /** A string for PR_SET_NAME. */
  readonly argument: number | string;
  readonly argument3?: number;
  /** The argument for people: a capability's or a signal's name. */
  readonly argumentName?: string;
}

/** This process's own limits; before privileges go, since raising needs them. */
export interface Prlimit extends Common {
  readonly call: "prlimit64";
  /** Number of the resource, with its name for people. */
  readonly resource: number;
  readonly resourceName: string;
  readonly soft: bigint;
  readonly hard: bigint;
}

/** This process's own mask. */
export interface Umask extends Common {
  readonly call: "umask";
  readonly mask: number;
}

/** Name of the UTS namespace; planned only where that namespace is new. */
export interface Sethostname extends Common {
  readonly call: "sethostname" | "setdomainname";
  readonly name: string;
}

/** Supplementary groups; before the uid change that takes the right to set them. */
export interface Setgroups extends Common {
  readonly call: "setgroups";
  readonly gids: readonly number[];
}

/** Real, effective and saved id at once: no way back. */
export interface Setresid extends Common {
  readonly call: "setresgid" | "setresuid";
  readonly id: number;
}

/** Only ever takes capabilities away from what this process has. */
export interface Capset extends Common {
  readonly call: "capset";
  /** Bit n is capability n. */
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
}

/** From here on the filter holds for everything, this plan's own rest included. */
export interface Seccomp extends Common {
  readonly call: "seccomp";
  readonly flags: readonly SeccompFlag[];
  /** struct sock_filter[], 8 bytes each. */
  readonly filter: Uint8Array;
  /** With a listener: its descriptor. */
  readonly keep?: string;
}

/** This process's scheduling (sched_setattr(2)); nanoseconds. */
export interface SchedSetattr extends Common {
  readonly call: "sched_setattr";
  readonly policy: SchedulerPolicy;
  readonly nice: number;
  readonly priority: number;
  readonly flags: readonly SchedulerFlag[];
  readonly runtime: number;
  readonly deadline: number;
  readonly period: number;
}

/** This process's own CPUs; the cgroup's set bounds it. */
export interface SchedSetaffinity extends Common {
  readonly call: "sched_setaffinity";
  readonly cpus: readonly number[];
}

/** Where this process's own memory comes from (set_mempolicy(2)); its cgroup's nodes bound it. */
export interface SetMempolicy extends Common {
  readonly call: "set_mempolicy";
  readonly mode: MemoryPolicyMode;
  readonly flags: readonly MemoryPolicyFlag[];
  readonly nodes: readonly number[];
}

/** This process's own priority of input and output (ioprio_set(2)). */
export interface IoprioSet extends Common {
  readonly call: "ioprio_set";
  readonly class: IoClass;
  readonly priority: number;
}

/** This process's execution domain; before the filter, which may refuse it. */
export interface Personality extends Common {
  readonly call: "personality";
  readonly domain: PersonalityDomain;
}

/** A session keyring of its own: the caller's keys stay out of reach. */
export interface Keyctl extends Common {
  readonly call: "keyctl";
  readonly operation: "KEYCTL_JOIN_SESSION_KEYRING";
  readonly name: string;
}

/** Marks whatever is still open as close-on-exec: no host descriptor survives into the container. */
export interface CloseRange extends Common {
  readonly call: "close_range";
  readonly first: number;
  readonly flags: readonly CloseRangeFlag[];
}

/** Init's own: prctl(PR_CAPBSET_DROP) of each capability in the mask; only ever takes away. */
export interface DropBounding extends Common {
  readonly call: "drop-bounding";
  /** Bit n is capability n. */
  readonly capabilities: bigint;
}

/** Init's own: a child that is the engine's child too (CLONE_PARENT), because a joined pid namespace begins with one's children. */
export interface Fork extends Common {
  readonly call: "fork";
}

/** Init's own: reads one byte of the `go` pipe; end of file (the engine died) ends the process. */
export interface Wait extends Common {
  readonly call: "wait";
  /** What the parent does before it writes the byte: its own part, hooks, or nothing until `start` is asked for. */
  readonly for: "go" | "hooks" | "listener" | "start";
}

/** Init's own: ends the process unless getcwd(2) says it is inside the root. */
export interface VerifyCwd extends Common {
  readonly call: "verify-cwd";
}

/** Init's own: ends the process unless the descriptor is what it is taken for; one that was skipped is no matter. */
export interface VerifyFd extends Common {
  readonly call: "verify-fd";
  readonly fd: Fd;
  /** Not a file of procfs; or the character device 1:3. */
  readonly fact: "outside-proc" | "null-device";
}

/** Init's own: tells the engine how far it is; ends the process where nobody listens any more. */
export interface Report extends Common {
  readonly call: "report";
  /** What is done; absent: everything, execve is next. */
  readonly reached?: "hooks" | "listener" | "created";
  /** A kept result to tell along. */
  readonly detail?: string;
}

/**
 * Init's own: from here on it tells `status` and waits on `go`. Other copies of the same, out of the way; or those of
 * the engine that will start what another one has created.
 */
export interface Rewire extends Common {
  readonly call: "rewire";
  readonly status: string;
  readonly go: string;
}

/** Init's own: fails now as execve would fail later, where none of the candidates can be executed. */
export interface Find extends Common {
  readonly call: "find";
  readonly candidates: readonly string[];
  /** The command, for the error's words. */
  readonly args: readonly string[];
}

/**
 * Init's own: tries the candidates in order. With `init` it stays behind as PID 1, reaps and forwards signals, and
 * the command is its child.
 */
export interface Execve extends Common {
  readonly call: "execve";
  /** Absolute paths, or as written where the word has a slash. Empty: not found. */
  readonly candidates: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly init: boolean;
}

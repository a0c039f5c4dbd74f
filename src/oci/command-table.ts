/**
 * Every command of the OCI runtime: its options, its arguments, and the module that does it, loaded when it is called.
 *
 * The options are runc's and crun's together. Those that change nothing here say so in their help.
 */
import type { OciCommand } from "./oci-context.ts";
import type { OciOption } from "./option.ts";

export interface OciCommandEntry {
  readonly summary: string;
  /** Behind the command's name in its usage line. */
  readonly usage: string;
  readonly options: readonly OciOption[];
  /** How many arguments it takes. */
  readonly min: number;
  readonly max: number;
  /** After so many arguments the rest is not ours to read. */
  readonly stopAt?: number;
  /** A failure's exit code; 1 unless given. */
  readonly failure?: number;
  /** Before the words of an error: `PROGRAM run failed: …`. */
  readonly prefix?: string;
  /** Its options are not read either: it refuses whatever it is asked for. */
  readonly refuses?: true;
  readonly load: () => Promise<{ readonly run: OciCommand }>;
}

const flag = (name: string, help: string, short?: string): OciOption => ({
  name,
  help,
  kind: "flag",
  ...(short === undefined ? {} : { short }),
});

const value = (name: string, word: string, help: string, short?: string): OciOption => ({
  name,
  help,
  kind: "value",
  value: word,
  ...(short === undefined ? {} : { short }),
});

const list = (name: string, word: string, help: string, short?: string): OciOption => ({
  ...value(name, word, help, short),
  kind: "list",
});

const consoleSocket = value(
  "console-socket",
  "SOCKET",
  "send the terminal's master end to this AF_UNIX socket",
);
const pidfdSocket = value("pidfd-socket", "SOCKET", "send the process's pidfd to this AF_UNIX socket");
const pidFile = value("pid-file", "FILE", "write the process's pid to this file");
const preserveFds = value(
  "preserve-fds",
  "N",
  "pass N descriptors on, from 3 up, after those of $LISTEN_FDS",
);

const creating: readonly OciOption[] = [
  value("bundle", "DIR", "the bundle's directory (the current one)", "b"),
  value("config", "FILE", "another file than the bundle's config.json", "f"),
  consoleSocket,
  pidfdSocket,
  pidFile,
  preserveFds,
  flag("no-pivot", "change the root with MS_MOVE and chroot, for a host whose root is an initramfs"),
  flag("no-new-keyring", "keep the caller's session keyring"),
  flag("no-subreaper", "do not become a reaper of orphans (nothing to do: this runtime never is, detached)"),
];

const executing: readonly OciOption[] = [
  value("process", "FILE", "a process.json with everything the other options say", "p"),
  flag("tty", "allocate a terminal", "t"),
  flag("detach", "leave the process in the background", "d"),
  value("cwd", "DIR", "its working directory"),
  list("env", "NAME=VALUE", "add an environment variable", "e"),
  value("user", "UID[:GID]", "its user", "u"),
  list("additional-gids", "GID", "add a group", "g"),
  list("cap", "CAP", "add a capability", "c"),
  value("process-label", "LABEL", "its SELinux label"),
  value("apparmor", "PROFILE", "its AppArmor profile"),
  flag("no-new-privs", "set no_new_privs"),
  list("cgroup", "[CONTROLLER:]PATH", "put it into this cgroup below the container's"),
  flag("ignore-paused", "start it even if the container is paused; it goes on with the others"),
  consoleSocket,
  pidfdSocket,
  pidFile,
  preserveFds,
];

const updating: readonly OciOption[] = [
  value("resources", "FILE", "JSON of the specification's linux.resources; - is standard input", "r"),
  value("memory", "BYTES", "memory limit"),
  value("memory-reservation", "BYTES", "memory soft limit"),
  value("memory-swap", "BYTES", "memory plus swap; -1: unlimited"),
  value("kernel-memory", "BYTES", "kernel memory limit (cgroup v1)"),
  value("kernel-memory-tcp", "BYTES", "kernel memory limit of TCP buffers (cgroup v1)"),
  value("cpu-period", "US", "CFS period"),
  value("cpu-quota", "US", "CFS quota in a period; -1: unlimited"),
  value("cpu-burst", "US", "what a period may take beyond its quota, saved in earlier ones"),
  value("cpu-share", "N", "relative weight"),
  value("cpu-rt-period", "US", "real-time period (cgroup v1)"),
  value("cpu-rt-runtime", "US", "real-time quota (cgroup v1)"),
  value("cpu-idle", "0|1", "SCHED_IDLE for the whole cgroup"),
  value("cpuset-cpus", "LIST", "CPUs to use"),
  value("cpuset-mems", "LIST", "memory nodes to use"),
  value("pids-limit", "N", "number of processes; -1: unlimited"),
  value("blkio-weight", "N", "weight of block I/O, 10 to 1000"),
  value("l3-cache-schema", "TEXT", "Intel RDT (an error: not supported)"),
  value("mem-bw-schema", "TEXT", "Intel RDT (an error: not supported)"),
];

const format = value("format", "FORMAT", "table or json", "f");
const one = { usage: "CONTAINER", min: 1, max: 1 } as const;
const dryRun = flag("dry-run", "print what would be done, and do nothing");

export const ociCommands: Readonly<Record<string, OciCommandEntry>> = {
  create: {
    ...one,
    summary: "make a container that waits for start",
    options: creating,
    prefix: "create failed",
    load: () => import("./command/create.ts"),
  },
  start: {
    ...one,
    summary: "let a created container's process run",
    options: [],
    load: () => import("./command/start.ts"),
  },
  run: {
    ...one,
    summary: "create and start a container; wait for it and delete it",
    options: [
      ...creating,
      flag("detach", "return when it runs", "d"),
      flag("keep", "do not delete it when it has ended"),
      dryRun,
    ],
    prefix: "run failed",
    load: () => import("./command/run.ts"),
  },
  exec: {
    summary: "run a further process in a container",
    usage: "CONTAINER COMMAND [ARGUMENT…]  |  --process FILE CONTAINER",
    options: executing,
    min: 1,
    max: Number.POSITIVE_INFINITY,
    stopAt: 1,
    failure: 255,
    prefix: "exec failed",
    load: () => import("./command/exec.ts"),
  },
  state: {
    ...one,
    summary: "print a container's state",
    options: [],
    load: () => import("./command/state.ts"),
  },
  list: {
    summary: "list containers",
    usage: "",
    options: [format, flag("quiet", "ids only", "q")],
    min: 0,
    max: 0,
    load: () => import("./command/list.ts"),
  },
  kill: {
    summary: "send a signal to a container's first process",
    usage: "CONTAINER [SIGNAL]",
    options: [flag("all", "to every process in it", "a")],
    min: 1,
    max: 2,
    load: () => import("./command/kill.ts"),
  },
  delete: {
    ...one,
    summary: "remove a container that has ended",
    options: [flag("force", "kill it first; one that does not exist is no error", "f")],
    load: () => import("./command/delete.ts"),
  },
  ps: {
    summary: "list the processes in a container",
    usage: "CONTAINER [OPTIONS OF ps]",
    options: [format],
    min: 1,
    max: Number.POSITIVE_INFINITY,
    stopAt: 1,
    load: () => import("./command/ps.ts"),
  },
  pause: { ...one, summary: "stop all its processes", options: [], load: () => import("./command/pause.ts") },
  resume: { ...one, summary: "let them go on", options: [], load: () => import("./command/resume.ts") },
  update: {
    ...one,
    summary: "change a container's limits",
    options: updating,
    load: () => import("./command/update.ts"),
  },
  events: {
    ...one,
    summary: "print what a container uses, and when it runs out of memory",
    options: [
      flag("stats", "print the numbers once"),
      value("interval", "DURATION", "print them this often (5s)"),
    ],
    load: () => import("./command/events.ts"),
  },
  spec: {
    summary: "write a config.json to start from",
    usage: "",
    options: [
      value("bundle", "DIR", "where to write it", "b"),
      value("file", "FILE", "another name than config.json", "f"),
      flag("rootless", "for a user who is not root"),
    ],
    min: 0,
    max: 0,
    load: () => import("./command/spec.ts"),
  },
  features: {
    summary: "print what this runtime can do, as the specification's features.md has it",
    usage: "",
    options: [],
    min: 0,
    max: 0,
    load: () => import("./command/features.ts"),
  },
  checkpoint: {
    summary: "(not supported)",
    usage: "[OPTION…] CONTAINER",
    options: [],
    min: 0,
    max: Number.POSITIVE_INFINITY,
    refuses: true,
    load: () => import("./command/checkpoint.ts"),
  },
  restore: {
    summary: "(not supported)",
    usage: "[OPTION…] CONTAINER",
    options: [],
    min: 0,
    max: Number.POSITIVE_INFINITY,
    refuses: true,
    load: () => import("./command/checkpoint.ts"),
  },
};

export const globalOptions: readonly OciOption[] = [
  value("root", "DIR", "the state directory (/run/bocker-oci)"),
  value("log", "FILE", "where errors are logged (standard error)"),
  value("log-format", "text|json", "how"),
  flag("debug", "log more"),
  flag("systemd-cgroup", "let systemd make cgroups (not supported: create and run refuse it)"),
  value("cgroup-manager", "MANAGER", "cgroupfs or disabled"),
  value("rootless", "true|false|auto", "true: do without cgroups that may not be made"),
  flag("help", "this text", "h"),
  flag("version", "the version", "v"),
];

/**
 * A look at /proc from inside a container: a shell script that prints facts, and its output as data.
 *
 * The script needs only busybox. Sections are divided by a line that no fact contains.
 */
import type { Workspace } from "./workspace.ts";

const sections = {
  status: "cat /proc/self/status",
  mounts: "cat /proc/self/mountinfo",
  namespaces: "for n in cgroup ipc mnt net pid user uts; do echo $n $(readlink /proc/self/ns/$n); done",
  descriptors: "ls /proc/$$/fd",
  limits: "cat /proc/self/limits",
  cgroup: "cat /proc/self/cgroup",
  env: "env",
  cwd: "pwd",
  hostname: "hostname",
  devices: "ls -l /dev",
  processes: "ps -o pid,args",
} as const;

export type ProbeSection = keyof typeof sections;

const divider = "=-=-=";

/** The script, for `sh -c`. */
export const probeScript = Object.entries(sections)
  .map(([name, command]) => `echo ${divider}${name}; ${command}`)
  .join("\n");

export interface MountFact {
  readonly root: string;
  readonly target: string;
  readonly options: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

export interface ProbeFacts {
  /** /proc/self/status: `CapEff`, `NoNewPrivs`, `Seccomp`, `Uid` … */
  readonly status: Readonly<Record<string, string>>;
  readonly mounts: readonly MountFact[];
  /** `pid` → `pid:[4026531836]`. */
  readonly namespaces: Readonly<Record<string, string>>;
  /** Open descriptors of the shell itself; the one that `ls` reads the directory through is not the shell's. */
  readonly descriptors: readonly number[];
  readonly limits: Readonly<Record<string, { readonly soft: string; readonly hard: string }>>;
  readonly cgroup: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly hostname: string;
  readonly devices: readonly string[];
  readonly processes: readonly string[];
}

/** Runs `busybox` with `flags` and returns what a process in it sees. */
export async function probe(bocker: Workspace, ...flags: readonly string[]): Promise<ProbeFacts> {
  return parseProbe(await bocker.ok("run", "--rm", ...flags, "busybox", "sh", "-c", probeScript));
}

/** Reads the script's output. */
export function parseProbe(output: string): ProbeFacts {
  const text = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of output.split("\n")) {
    if (line.startsWith(divider)) {
      current = [];
      text.set(line.slice(divider.length), current);
    } else current.push(line);
  }
  const lines = (section: ProbeSection): string[] => text.get(section) ?? [];
  return {
    status: recordOf(lines("status"), /^(\w+):\s*(.*)$/),
    mounts: lines("mounts").map(parseMountLine),
    namespaces: recordOf(lines("namespaces"), /^(\w+) (.*)$/),
    descriptors: lines("descriptors").map(Number),
    limits: parseLimits(lines("limits")),
    cgroup: lines("cgroup"),
    env: recordOf(lines("env"), /^([^=]+)=(.*)$/),
    cwd: lines("cwd")[0] ?? "",
    hostname: lines("hostname")[0] ?? "",
    devices: lines("devices"),
    processes: lines("processes").slice(1),
  };
}

function recordOf(lines: readonly string[], pattern: RegExp): Record<string, string> {
  return Object.fromEntries(
    lines.flatMap((line) => {
      const match = pattern.exec(line);
      return match === null ? [] : [[match[1] ?? "", match[2] ?? ""]];
    }),
  );
}

/** proc(5): `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`. */
function parseMountLine(line: string): MountFact {
  const [left = "", right = ""] = line.split(" - ");
  const [, , , root = "", target = "", options = ""] = left.split(" ");
  const [type = "", source = "", superOptions = ""] = right.split(" ");
  return { root, target, options: options.split(","), type, source, superOptions: superOptions.split(",") };
}

function parseLimits(lines: readonly string[]): Record<string, { soft: string; hard: string }> {
  return Object.fromEntries(
    lines.slice(1).flatMap((line) => {
      const match = /^(.+?)\s{2,}(\S+)\s+(\S+)/.exec(line);
      return match === null ? [] : [[match[1] ?? "", { soft: match[2] ?? "", hard: match[3] ?? "" }]];
    }),
  );
}

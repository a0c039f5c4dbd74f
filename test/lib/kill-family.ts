/**
 * Ends what a test started and what that started: processes with a word of the test's own, such as its directory, on
 * their command line, and their descendants.
 */
import { readdirSync, readFileSync } from "node:fs";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly commandLine: string;
}

/** SIGKILLs them, until there are none left. */
export function killFamily(word: string): void {
  for (let pids = familyOf(word); pids.length > 0; pids = familyOf(word)) pids.forEach(killOne);
}

function familyOf(word: string): number[] {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readProcess);
  const family = new Set(processes.filter((each) => each.commandLine.includes(word)).map(({ pid }) => pid));
  for (let size = -1; size !== family.size; ) {
    size = family.size;
    for (const { pid, parent } of processes) if (family.has(parent)) family.add(pid);
  }
  family.delete(process.pid);
  return [...family];
}

/** None of one that has ended, even where nobody has waited for it yet. */
function readProcess(name: string): Process[] {
  try {
    const commandLine = readFileSync(`/proc/${name}/cmdline`, "utf8");
    const stat = readFileSync(`/proc/${name}/stat`, "utf8");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? [] : [{ pid: Number(name), parent: Number(parent), commandLine }];
  } catch {
    return [];
  }
}

function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/**
 * What an idle container costs beside itself: private memory of the processes that came with it, the container's own
 * process left out.
 */
import { readdirSync, readFileSync } from "node:fs";

export interface MemoryUse {
  readonly name: string;
  readonly privateBytes: number;
  /** Names of the processes that hold it. */
  readonly processes: readonly string[];
}

/**
 * Starts one container with `argv` and sums what is new. Daemons that ran before count as nothing, which favours engines
 * that have one. The container is left to whoever opened the engine.
 */
export async function measureIdleMemory(
  name: string,
  argv: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<MemoryUse> {
  const before = new Set(processIds());
  const { exitCode, stderr } = Bun.spawnSync([...argv], {
    stdout: "ignore",
    stderr: "pipe",
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  });
  if (exitCode !== 0) throw new Error(`${name}: ${stderr.toString().trim()}`);
  await Bun.sleep(1000);
  const added = processIds().filter((pid) => !before.has(pid) && !isKernelThread(pid) && !isContained(pid));
  await Bun.sleep(1000);
  const stayed = added.filter((pid) => read(pid, "comm") !== "");
  return {
    name,
    privateBytes: stayed.reduce((sum, pid) => sum + privateBytes(pid), 0),
    processes: stayed.map((pid) => read(pid, "comm").trim()),
  };
}

/** One line an engine. */
export function renderMemory(uses: readonly MemoryUse[]): string {
  const rows = uses.map(
    ({ name, privateBytes: bytes, processes }) =>
      `| ${name} | ${(bytes / 2 ** 20).toFixed(1)} | ${processes.join(", ")} |`,
  );
  return [
    "### Private memory of one idle detached container, outside itself",
    "",
    "| | MiB | processes |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

function processIds(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
}

/** smaps_rollup's Private_Dirty: clean pages of the executable belong to the page cache and to all its processes. */
export function privateBytes(pid: string): number {
  const lines = read(pid, "smaps_rollup").matchAll(/^Private_Dirty:\s+(\d+) kB$/gm);
  return [...lines].reduce((sum, [, kibibytes]) => sum + Number(kibibytes) * 1024, 0);
}

function isKernelThread(pid: string): boolean {
  return read(pid, "cmdline") === "";
}

/** Whether the process has a pid of its own inside a namespace: NSpid has more than one number. */
function isContained(pid: string): boolean {
  return /^NSpid:\s+\d+\s+\d+/m.test(read(pid, "status"));
}

/** A file of /proc/PID, empty when the process has gone. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

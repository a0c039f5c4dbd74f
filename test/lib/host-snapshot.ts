/**
 * What a container engine can leave behind on a host, as comparable text lines.
 *
 * Only what can be told to be the workspace's own is compared, by its marks: the state directory, the cgroup parent,
 * bridge and nft table names. A machine has other services, and other tests, that come and go.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Words that only this workspace's leftovers carry. */
export type Marks = readonly string[];

/** Every leftover-prone object of the host, one line each, sorted. */
export function takeHostSnapshot(marks: Marks): readonly string[] {
  const lines = [...mountLines(), ...linkLines(), ...cgroupLines(), ...firewallLines(), ...temporaryLines()];
  const wanted = lines.filter((line) => marks.some((mark) => line.includes(mark)));
  return [...wanted, ...processLines(marks)].sort();
}

/** Lines of `after` that `before` does not have. */
export function leftovers(before: readonly string[], after: readonly string[]): string[] {
  const known = new Set(before);
  return after.filter((line) => !known.has(line));
}

function mountLines(): string[] {
  const lines = readFileSync("/proc/self/mounts", "utf8").trimEnd().split("\n");
  return lines.map((line) => `mount ${line}`);
}

/** Links with the name of their master, so that a veth is known by its bridge. */
function linkLines(): string[] {
  return readdirSync("/sys/class/net").map((name) => {
    const master = quietly(() => readlinkSync(`/sys/class/net/${name}/master`).split("/").at(-1));
    return `link ${name} master ${master ?? "-"}`;
  });
}

function cgroupLines(): string[] {
  const root = "/sys/fs/cgroup";
  const hierarchies = quietly(() => readdirSync(root, { withFileTypes: true })) ?? [];
  const tops = [
    root,
    ...hierarchies.filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name)),
  ];
  return [...new Set(tops.flatMap((top) => directoriesBelow(top, 4)))].map((path) => `cgroup ${path}`);
}

function directoriesBelow(path: string, depth: number): string[] {
  if (depth === 0) return [];
  const entries = quietly(() => readdirSync(path, { withFileTypes: true })) ?? [];
  return entries
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => [join(path, entry.name), ...directoriesBelow(join(path, entry.name), depth - 1)]);
}

/** nft's rules without handles and counters; each line is prefixed with its table. */
function firewallLines(): string[] {
  if (Bun.which("nft") === null) return [];
  const { stdout } = Bun.spawnSync(["nft", "--stateless", "list", "ruleset"], { stderr: "ignore" });
  let table = "";
  return stdout
    .toString()
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      if (line.startsWith("table ")) table = line.split(" ")[2] ?? "";
      return `nft ${table}: ${line.trim()}`;
    });
}

function temporaryLines(): string[] {
  const names = quietly(() => readdirSync("/tmp")) ?? [];
  return names.filter((name) => /bocker/.test(name)).map((name) => `temporary /tmp/${name}`);
}

/** Processes that carry a mark in their arguments, environment or cgroup; this process aside. */
function processLines(marks: Marks): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    const text = ["cmdline", "environ", "cgroup"].map((name) =>
      quietly(() => readFileSync(`/proc/${pid}/${name}`, "utf8")),
    );
    const marked = marks.some((mark) => text.some((part) => part?.includes(mark)));
    const isZombie = quietly(() => readFileSync(`/proc/${pid}/stat`, "utf8"))?.includes(") Z ") ?? true;
    return marked && !isZombie ? [`process ${pid} ${text[0]?.replaceAll("\0", " ").trim()}`] : [];
  });
}

/** The value, or nothing where the file went away or cannot be read: /proc changes while it is looked at. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

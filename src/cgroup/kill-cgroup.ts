/**
 * Ends, stops and removes what is in a container's cgroup. Only ever the cgroup given, and what is below it.
 *
 * Killing goes through cgroup.kill (Linux 5.14), which no fork escapes; before, by pidfd, each checked to be still inside.
 * Removing is what makes a container's end complete, so it waits for the kernel to let the last process go.
 */
import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { closeQuietly } from "../../ffi/file.ts";
import { pidfd_open, pidfd_send_signal } from "../../ffi/process.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";
import { hasCode, tryReadFile, tryWriteFile } from "./cgroup-file.ts";
import {
  type Cgroup,
  type CgroupMount,
  controllerDirectory,
  parseProcessCgroups,
  unifiedDirectory,
} from "./hierarchy.ts";

const SIGKILL = 9;
/** How long the kernel may take to bury what was killed. */
const patienceMs = 10_000;

/** Every process in the cgroup and below, each once, as host pids. */
export function listProcesses(cgroup: Cgroup): readonly number[] {
  const pids = cgroup.directories.flatMap(({ directory }) => processesBelow(directory));
  return [...new Set(pids)];
}

/** Kills everything in the cgroup and waits until it is empty. Throws when something survives for ten seconds. */
export async function killCgroup(cgroup: Cgroup): Promise<void> {
  for (const waitMs of pauses()) {
    if (!killOnce(cgroup)) return;
    await Bun.sleep(waitMs);
  }
  throw new BockerError(
    `cannot kill cgroup "${cgroup.path}": processes ${listProcesses(cgroup).join(", ")} stay`,
    {
      kind: "host",
      hint: "they hang in the kernel (state D), usually on a dead network file system",
    },
  );
}

/** Removes the cgroup's directories and any a container made below. Waits while processes are still leaving. */
export async function removeCgroup(cgroup: Cgroup): Promise<void> {
  let left: readonly CgroupMount[] = cgroup.directories;
  for (const waitMs of pauses()) {
    left = left.filter(({ directory }) => !tryRemoveTree(directory));
    if (left.length === 0) return;
    await Bun.sleep(waitMs);
  }
  const [first] = left;
  throw new BockerError(`cannot remove cgroup "${first?.directory ?? cgroup.path}": it is still in use`, {
    kind: "in-use",
    details: { processes: listProcesses(cgroup) },
  });
}

/** Stops every process in the cgroup where it stands, and waits for that. Needs the freezer or cgroup v2. */
export async function freezeCgroup(cgroup: Cgroup): Promise<void> {
  await setFrozen(cgroup, true);
}

/** Lets them go on. */
export async function thawCgroup(cgroup: Cgroup): Promise<void> {
  await setFrozen(cgroup, false);
}

async function setFrozen(cgroup: Cgroup, frozen: boolean): Promise<void> {
  const word = frozen ? "freeze" : "thaw";
  const freezer = controllerDirectory(cgroup, "freezer");
  const unified = unifiedDirectory(cgroup);
  const [directory, name, value] =
    freezer === undefined
      ? [unified, "cgroup.freeze", frozen ? "1" : "0"]
      : [freezer.directory, "freezer.state", frozen ? "FROZEN" : "THAWED"];
  const file = `${directory}/${name}`;
  if (directory === undefined || !tryWriteFile(file, value)) {
    if (directory !== undefined && !existsSync(directory)) {
      // What is gone stands still no more.
      if (!frozen) return;
      throw isGone(cgroup, word);
    }
    throw new BockerError(`cannot ${word} cgroup "${cgroup.path}": no freezer`, { kind: "unsupported" });
  }
  for (const waitMs of pauses()) {
    if (isFrozen(cgroup) === frozen) return;
    if (!existsSync(file)) throw isGone(cgroup, word);
    await Bun.sleep(waitMs);
  }
  throw new BockerError(`cannot ${word} cgroup "${cgroup.path}": the kernel does not answer`, {
    kind: "host",
  });
}

function isGone({ path }: Cgroup, word: string): BockerError {
  return new BockerError(`cannot ${word} cgroup "${path}": it is gone`, { kind: "not-running" });
}

/** Whether every process in it is stopped. */
export function isFrozen(cgroup: Cgroup): boolean {
  const freezer = controllerDirectory(cgroup, "freezer");
  if (freezer !== undefined) return tryReadFile(`${freezer.directory}/freezer.state`)?.trim() === "FROZEN";
  const events = tryReadFile(`${unifiedDirectory(cgroup)}/cgroup.events`);
  return events !== undefined && /^frozen 1$/m.test(events);
}

/** One round; false when there was nobody to kill. Without cgroup.kill it freezes first, so that none forks away. */
function killOnce(cgroup: Cgroup): boolean {
  if (listProcesses(cgroup).length === 0) return false;
  const unified = unifiedDirectory(cgroup);
  const freezer = controllerDirectory(cgroup, "freezer");
  const killedAtOnce = unified !== undefined && tryWriteFile(`${unified}/cgroup.kill`, "1");
  if (!killedAtOnce && freezer !== undefined) tryWriteFile(`${freezer.directory}/freezer.state`, "FROZEN");
  for (const pid of listProcesses(cgroup)) killMember(cgroup, pid);
  // On v1 a frozen process dies only once it is let go.
  if (freezer !== undefined) tryWriteFile(`${freezer.directory}/freezer.state`, "THAWED");
  return true;
}

/** A pid may have been given to another process since it was listed: the pidfd holds it, then it is looked at again. */
function killMember(cgroup: Cgroup, hostPid: number): void {
  let pidfd: number | undefined;
  try {
    pidfd = pidfd_open(hostPid);
    if (isMember(cgroup, hostPid)) pidfd_send_signal(pidfd, SIGKILL);
  } catch (error) {
    if (!isErrno(error, "ESRCH", "EINVAL")) throw error;
  } finally {
    closeQuietly(pidfd);
  }
}

function isMember(cgroup: Cgroup, hostPid: number): boolean {
  const paths = [...parseProcessCgroups(tryReadFile(`/proc/${hostPid}/cgroup`) ?? "").values()];
  // Seen from inside a cgroup namespace or a bind-mounted tree, paths have another start.
  return paths.some((path) => path.endsWith(cgroup.path) || path.includes(`${cgroup.path}/`));
}

function processesBelow(directory: string): readonly number[] {
  const own = (tryReadFile(`${directory}/cgroup.procs`) ?? "").split("\n").filter((line) => line !== "");
  // 0: a process this pid namespace can't see.
  return [...own.map(Number).filter((pid) => pid > 0), ...childrenOf(directory).flatMap(processesBelow)];
}

/** Children first. True when the directory is gone; false while somebody is still in it. */
function tryRemoveTree(directory: string): boolean {
  if (tryRemoveDirectory(directory)) return true;
  const childrenGone = childrenOf(directory).map(tryRemoveTree);
  return childrenGone.every(Boolean) && tryRemoveDirectory(directory);
}

function tryRemoveDirectory(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENODEV")) return true;
    if (hasCode(error, "EBUSY", "ENOTEMPTY")) return false;
    throw error;
  }
}

function childrenOf(directory: string): readonly string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${directory}/${name}`);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENODEV", "ENOTDIR")) return [];
    throw error;
  }
}

/** Longer and longer waits, ten seconds in all. */
function* pauses(): Generator<number> {
  for (let waited = 0, next = 1; waited < patienceMs; waited += next, next = Math.min(next * 2, 200))
    yield next;
}

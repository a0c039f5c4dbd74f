/**
 * Opens a cgroup for the process that is to live in it.
 *
 * How a process gets in (measured on 6.18): a pid written to cgroup.procs waits 5–20 ms for an RCU grace period,
 * however idle the machine. A single-threaded process that writes 0 to v1's `tasks` skips that lock (10 µs a tree),
 * and clone3(CLONE_INTO_CGROUP) needs none on v2. So the container's init does both, through descriptors from here.
 */
import { closeQuietly, openat } from "../../ffi/file.ts";
import { openFlags } from "../../ffi/flags.ts";
import { type Cgroup, unifiedDirectory } from "./hierarchy.ts";

/** Descriptors by which a child enters a cgroup. Both kinds are needed; all are close-on-exec. */
export interface OpenCgroup extends Disposable {
  /** v1: the child, single-threaded, writes "0" to each, before it unshares its cgroup namespace. */
  readonly taskFds: readonly number[];
  /** v2, also beside v1 trees: for clone3(CLONE_INTO_CGROUP). */
  readonly directoryFd?: number;
}

/** Opens the way in; dispose it once the child has started. Throws where a tree's directory is gone. */
export function openCgroup(cgroup: Cgroup): OpenCgroup {
  const opened: number[] = [];
  const open = (path: string, flags: number): number => {
    const fd = openat(-1, path, flags);
    opened.push(fd);
    return fd;
  };
  try {
    const unified = unifiedDirectory(cgroup);
    const directory =
      unified === undefined ? undefined : open(unified, openFlags.O_RDONLY | openFlags.O_DIRECTORY);
    const taskFds = cgroup.directories
      .filter(({ version }) => version === 1)
      .map((mount) => open(`${mount.directory}/tasks`, openFlags.O_WRONLY));
    return {
      taskFds,
      ...(directory === undefined ? {} : { directoryFd: directory }),
      [Symbol.dispose]: () => closeQuietly(...opened.splice(0)),
    };
  } catch (error) {
    closeQuietly(...opened);
    throw error;
  }
}

/**
 * Which namespaces of a process differ from ours: those an exec has to join.
 */
import { readlinkSync } from "node:fs";
import type { JoinableNamespace } from "../launch/context.ts";

const files: readonly (readonly [JoinableNamespace, string])[] = [
  ["user", "user"],
  ["mount", "mnt"],
  ["pid", "pid"],
  ["network", "net"],
  ["ipc", "ipc"],
  ["uts", "uts"],
  ["cgroup", "cgroup"],
  ["time", "time"],
];

/**
 * Compares /proc/PID/ns with /proc/self/ns. Check the process's identity after it, or hold its pidfd: setns by pidfd
 * joins that process's namespaces whatever was read here. A process that is gone gives ENOENT.
 */
export function joinableNamespaces(pid: number): readonly JoinableNamespace[] {
  return files.flatMap(([namespace, file]) => {
    return readlinkSync(`/proc/${pid}/ns/${file}`) === readlinkSync(`/proc/self/ns/${file}`)
      ? []
      : [namespace];
  });
}

/**
 * A program's second start, in namespaces of its own: what other engines make on a host ends with it.
 */
import { rmSync } from "node:fs";

const insideVariable = "BOCKER_BENCH_INSIDE";

/** Whether this process is that second start. */
export function isInPrivateNamespaces(): boolean {
  return process.env[insideVariable] !== undefined;
}

/**
 * Starts this program again in mount and network namespaces of its own, so that bridges and firewall rules of all engines
 * end with it. crun refuses a hybrid cgroup layout, so the v2 part of one is not mounted there.
 */
export function runInPrivateNamespaces(): number {
  const prepare = 'ip link set lo up; umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"';
  const argv = [
    "unshare",
    "--mount",
    "--net",
    "sh",
    "-c",
    prepare,
    "sh",
    process.execPath,
    ...process.argv.slice(1),
  ];
  const env = { ...process.env, [insideVariable]: "1" };
  return Bun.spawnSync(argv, { stdio: ["ignore", "inherit", "inherit"], env }).exitCode;
}

/** Removes a directory below which engines have mounted; those mounts are of this process's namespace. */
export function discardDirectory(directory: string): void {
  const script = `grep -o ' ${directory}/[^ ]*' /proc/self/mounts | sort -r | xargs -r -n1 umount -l`;
  Bun.spawnSync(["sh", "-c", script]);
  rmSync(directory, { recursive: true, force: true });
}

/**
 * One small root file system for every contestant, from Debian's static busybox, and the bundle that crun and runc run.
 */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Fills `directory` with busybox, its applets and the usual directories. */
export function makeRootfs(directory: string): void {
  for (const name of ["bin", "dev", "etc", "proc", "root", "sys", "tmp"])
    mkdirSync(join(directory, name), { recursive: true });
  cpSync("/bin/busybox", join(directory, "bin/busybox"));
  for (const applet of ["sh", "true", "sleep", "cat", "ls"])
    symlinkSync("busybox", join(directory, "bin", applet));
  writeFileSync(join(directory, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(directory, "etc/group"), "root:x:0:\n");
}

/** Writes a config.json beside `rootfs`, as `crun spec` makes it, for `args` without a terminal. */
export function makeBundle(directory: string, args: readonly string[]): void {
  mkdirSync(directory, { recursive: true });
  const { exitCode, stderr } = Bun.spawnSync(["crun", "spec"], { cwd: directory });
  if (exitCode !== 0) throw new Error(`crun spec: ${stderr.toString()}`);
  const path = join(directory, "config.json");
  const spec = JSON.parse(readFileSync(path, "utf8"));
  spec.process.terminal = false;
  spec.process.args = args;
  spec.root = { path: "rootfs", readonly: false };
  writeFileSync(path, JSON.stringify(spec));
}

/**
 * `bocker spec`: what it writes is what run does, in bocker's own OCI runtime and in another one.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace } from "../lib/workspace.ts";

const script =
  "hostname; id -u; echo $A; ulimit -n; cat /data/was; grep -E 'Seccomp:|CapEff|NoNewPrivs' /proc/self/status; cat /etc/hosts";
const options = [
  ...["--hostname=zed", "-e", "A=1", "--ulimit=nofile=100", "--memory=64m", "--user=1000:1000"],
  ...["--cap-add=NET_ADMIN", "--read-only", "--security-opt=no-new-privileges", "--network=none"],
] as const;

describe.skipIf(process.geteuid?.() !== 0)("spec", () => {
  test("prints the configuration of an image and of a container", async () => {
    await using bocker = openWorkspace();
    const spec = JSON.parse(await bocker.ok("spec", ...options, "busybox", "echo", "hi"));
    expect(spec).toMatchObject({
      ociVersion: "1.2.0",
      hostname: "zed",
      root: { path: "rootfs", readonly: true },
      process: { args: ["echo", "hi"], user: { uid: 1000, gid: 1000 }, noNewPrivileges: true },
      linux: { resources: { memory: { limit: 64 << 20 } }, seccomp: { defaultAction: "SCMP_ACT_ERRNO" } },
    });
    expect(await bocker.ok("ps", "-aq")).toBe("");
    await bocker.ok("create", "--name=c1", "--hostname=yak", "busybox", "true");
    expect(JSON.parse(await bocker.ok("spec", "c1"))).toMatchObject({
      hostname: "yak",
      process: { args: ["true"] },
    });
  });

  test("lays out a bundle that runs as run does", async () => {
    await using bocker = openWorkspace();
    const bundle = join(bocker.directory, "bundle");
    const words = [...options, "-v", "/data", "made", "sh", "-c", script];
    await bocker.ok("run", "--name=base", "busybox", "sh", "-c", "mkdir /data; echo kept > /data/was");
    await bocker.ok("commit", "base", "made");
    await bocker.ok("spec", "--bundle", bundle, ...words);
    expect(readdirSync(bundle).sort()).toEqual([
      "config.json",
      "hostname",
      "hosts",
      "resolv.conf",
      "rootfs",
      "volume",
    ]);
    const run = await bocker.ok("run", "--rm", ...words);
    const state = join(bocker.directory, "oci");
    // Its cgroup is named after it, so it must not be the one above other containers.
    const id = `${bocker.cgroupParent}-oci`;
    expect(await bocker.ok("oci", "--root", state, "run", "-b", bundle, id)).toBe(run);
    if (Bun.which("runc") === null) return;
    const runc = Bun.spawnSync([
      "runc",
      "--root",
      join(bocker.directory, "runc"),
      "run",
      "-b",
      bundle,
      `${id}-runc`,
    ]);
    expect(runc.stdout.toString().trimEnd()).toBe(run);
    const again = await bocker.run("spec", "--bundle", bundle, "busybox");
    expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining("exists")]);
  });

  test("writes no limit as a number that other runtimes read", async () => {
    await using bocker = openWorkspace();
    const text = await bocker.ok("spec", "--ulimit", "core=-1", "busybox");
    expect(text).toContain('"hard": 18446744073709551615');
  });

  test("refuses what no bundle holds", async () => {
    await using bocker = openWorkspace();
    const over = `${bocker.directory}:/over:O`;
    const refused = await bocker.run("spec", "-v", over, "busybox");
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringContaining('"/over" cannot be in a bundle'),
    ]);
    expect((await bocker.run("spec")).exitCode).toBe(1);
  });
});

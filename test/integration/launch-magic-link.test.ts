/**
 * Images whose links lead out by way of /proc: what is made for mounts and devices stays inside all the same. In a pid
 * namespace of its own a container's /proc has nothing that leads anywhere else; here it is the host's, or init holds
 * the host's root open while hooks run.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { planStart } from "../../src/launch/plan-start.ts";
import type { Spec, SpecMount } from "../../src/spec/oci.ts";
import { contextFor, isRoot, runIn, specFor, startPlan, temporaryRootfs } from "./launch-fixture.ts";

const hostPids = { namespaces: (["mount", "network"] as const).map((type) => ({ type })) };

describe.skipIf(!isRoot)("a link of the image into the host's /proc", () => {
  test.each(["/data/made/deeper", "/data/made"])("leads no mount on %s out", async (destination) => {
    using rootfs = temporaryRootfs();
    symlinkSync(`/proc/${process.pid}/root${rootfs.outside}`, join(rootfs.path, "data"));
    const mounts: SpecMount[] = [{ destination, type: "tmpfs", source: "tmpfs" }];
    await runIn(rootfs, ["true"], { mounts, linux: hostPids }).catch(() => {});
    expect(existsSync(join(rootfs.outside, "made"))).toBe(false);
  });

  test("leads no file to bind on, no device and no working directory out", async () => {
    using rootfs = temporaryRootfs();
    rmSync(join(rootfs.path, "dev"), { recursive: true });
    mkdirSync(join(rootfs.outside, "dev"));
    symlinkSync(`/proc/${process.pid}/root${rootfs.outside}/dev`, join(rootfs.path, "dev"));
    symlinkSync(`/proc/${process.pid}/root${rootfs.outside}`, join(rootfs.path, "data"));
    const proc: SpecMount = { destination: "/proc", type: "proc", source: "proc" };
    const file: SpecMount = {
      destination: "/data/file",
      type: "bind",
      source: "/etc/hostname",
      options: ["bind"],
    };
    const base = specFor(["true"], { linux: hostPids });
    const start = async (spec: Spec) => {
      await startPlan(planStart(spec, contextFor(rootfs.path, spec)))
        .then(({ output }) => output)
        .catch(() => {});
    };
    await start({ ...base, mounts: [proc] });
    await start({ ...base, mounts: [proc, { destination: "/dev", type: "tmpfs", source: "tmpfs" }, file] });
    const inside = { ...base.process, user: { uid: 0, gid: 0 }, cwd: "/data/cwd" };
    await start({ ...base, process: inside, mounts: [proc] });
    for (const name of ["dev/null", "dev/fd", "file", "cwd"])
      expect(existsSync(join(rootfs.outside, name))).toBe(false);
  });

  test("leads nothing out by the descriptors that init has while hooks run", async () => {
    using rootfs = temporaryRootfs();
    for (let fd = 3; fd < 24; fd++)
      symlinkSync(`/proc/self/fd/${fd}${rootfs.outside}`, join(rootfs.path, `fd${fd}`));
    for (let fd = 3; fd < 24; fd++) {
      const mounts: SpecMount[] = [{ destination: `/fd${fd}/made`, type: "tmpfs", source: "tmpfs" }];
      const spec = { ...specFor(["true"], { mounts }), hooks: { createRuntime: [{ path: "/bin/true" }] } };
      await startPlan(planStart(spec, contextFor(rootfs.path, spec)), { beforePivot: () => {} })
        .then(({ output }) => output)
        .catch(() => {});
    }
    expect(existsSync(join(rootfs.outside, "made"))).toBe(false);
  });
});

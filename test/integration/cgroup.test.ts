/** Cgroups on this host's own trees, under a parent of the test's own that is gone afterwards. */
import { afterAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyResources, createCgroup, joinCgroup } from "../../src/cgroup/apply-cgroup.ts";
import { readOomKilled, readStats } from "../../src/cgroup/cgroup-stats.ts";
import { detectCgroups, hasSwapLimit } from "../../src/cgroup/detect-cgroups.ts";
import { type Cgroup, controllerDirectory, resolveCgroup } from "../../src/cgroup/hierarchy.ts";
import {
  freezeCgroup,
  isFrozen,
  killCgroup,
  listProcesses,
  removeCgroup,
  thawCgroup,
} from "../../src/cgroup/kill-cgroup.ts";
import { openCgroup } from "../../src/cgroup/open-cgroup.ts";
import { listContainerIds, sweepCgroups } from "../../src/cgroup/sweep-cgroups.ts";
import { defaultDeviceRules } from "../../src/security/device-rule.ts";
import type { SpecResources } from "../../src/spec/oci.ts";

const canRun = process.geteuid?.() === 0 && detectCgroups().mode !== "none";
const parent = `/bocker-test-${randomBytes(4).toString("hex")}`;
const hierarchy = detectCgroups();
const mega = 1024 * 1024;

function newId(): string {
  return randomBytes(32).toString("hex");
}

/** Makes a cgroup with `sleep` in it and takes both away again. */
async function withCgroup(
  resources: SpecResources,
  use: (cgroup: Cgroup, hostPid: number) => Promise<void> | void,
): Promise<void> {
  const cgroup = createCgroup(hierarchy, `${parent}/${newId()}`, resources);
  const sleeper = Bun.spawn(["sleep", "60"]);
  try {
    expect(joinCgroup(cgroup, sleeper.pid)).toBe(true);
    await use(cgroup, sleeper.pid);
  } finally {
    await killCgroup(cgroup);
    await sleeper.exited;
    await removeCgroup(cgroup);
  }
}

function isGone(cgroup: Cgroup): boolean {
  return cgroup.directories.every(({ directory }) => !existsSync(directory));
}

/** Whatever a failed test left goes too. */
async function removeParent(): Promise<void> {
  const cgroup = resolveCgroup(hierarchy, parent);
  await killCgroup(cgroup);
  await removeCgroup(cgroup);
}

describe.skipIf(!canRun)("a cgroup", () => {
  afterAll(removeParent);

  test("is there in every tree, holds its limits, and is gone when it is removed", async () => {
    const resources: SpecResources = {
      memory: { limit: 64 * mega, ...(hasSwapLimit(hierarchy) ? { swap: 128 * mega } : {}) },
      pids: { limit: 20 },
      cpu: { quota: 50_000, period: 100_000, shares: 512 },
      devices: defaultDeviceRules(),
    };
    let seen: Cgroup | undefined;
    await withCgroup(resources, (cgroup, hostPid) => {
      seen = cgroup;
      expect(listProcesses(cgroup)).toEqual([hostPid]);
      const stats = readStats(cgroup);
      expect(stats).toMatchObject({ memoryLimitBytes: 64 * mega, pids: 1, pidsLimit: 20 });
      expect(readOomKilled(cgroup)).toBe(false);
    });
    if (seen === undefined) throw new Error("no cgroup");
    expect(isGone(seen)).toBe(true);
    expect(readStats(seen)).toMatchObject({ memoryUsedBytes: 0, pids: 0 });
  });

  test("changes its limits while it runs, up and down", async () => {
    await withCgroup({ memory: { limit: 64 * mega }, pids: { limit: 5 } }, (cgroup) => {
      for (const limit of [256 * mega, 32 * mega]) {
        const swap = hasSwapLimit(hierarchy) ? { swap: limit * 2 } : {};
        applyResources(cgroup, { memory: { limit, ...swap } });
        expect(readStats(cgroup).memoryLimitBytes).toBe(limit);
      }
      applyResources(cgroup, { pids: { limit: -1 } });
      expect(readStats(cgroup).pidsLimit).toBe(Number.POSITIVE_INFINITY);
      expect(readStats(cgroup).memoryLimitBytes).toBe(32 * mega);
    });
  });

  test("freezes, thaws, and can be killed while it is frozen", async () => {
    await withCgroup({}, async (cgroup) => {
      await freezeCgroup(cgroup);
      expect(isFrozen(cgroup)).toBe(true);
      await thawCgroup(cgroup);
      expect(isFrozen(cgroup)).toBe(false);
      await freezeCgroup(cgroup);
      await killCgroup(cgroup);
      expect(listProcesses(cgroup)).toEqual([]);
    });
  });

  test("a cgroup that goes while it freezes is not waited for", async () => {
    const directory = mkdtempSync(join(tmpdir(), "bocker-freeze-"));
    // Takes what is written and never says FROZEN.
    symlinkSync("/dev/null", join(directory, "freezer.state"));
    const freezing = freezeCgroup({
      path: "/gone",
      directories: [{ version: 1, directory, controllers: ["freezer"] }],
    });
    rmSync(directory, { recursive: true });
    expect(await freezing.catch(String)).toContain('cannot freeze cgroup "/gone": it is gone');
  });

  test("opens for a child: a descriptor of tasks for each v1 tree, the directory of v2", () => {
    const cgroup = createCgroup(hierarchy, `${parent}/${newId()}`, {});
    try {
      using open = openCgroup(cgroup);
      const trees = hierarchy.mounts.filter(({ version }) => version === 1);
      expect(open.taskFds).toHaveLength(trees.length);
      expect(open.directoryFd !== undefined).toBe(hierarchy.mounts.length > trees.length);
      for (const fd of open.taskFds) {
        expect(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")).toMatch(/flags:\s+0?2\d*1$/m);
      }
    } finally {
      for (const { directory } of cgroup.directories) rmdirSync(directory);
    }
    expect(() => openCgroup(cgroup)).toThrow(/no such file/);
  });

  test("that can't hold a limit is not made at all", () => {
    const path = `${parent}/${newId()}`;
    const resources = { cpu: { cpus: "4000" } };
    expect(() => createCgroup(hierarchy, path, resources)).toThrow(/cpuset\.cpus to 4000/);
    expect(isGone(resolveCgroup(hierarchy, path))).toBe(true);
  });

  test("goes with what the container made inside it", async () => {
    const cgroup = createCgroup(hierarchy, `${parent}/${newId()}`, {});
    for (const { directory } of cgroup.directories) mkdirSync(`${directory}/inner/most`, { recursive: true });
    await removeCgroup(cgroup);
    expect(isGone(cgroup)).toBe(true);
  });

  test("takes over what a crash left under its name", async () => {
    const path = `${parent}/${newId()}`;
    createCgroup(hierarchy, path, {});
    const again = createCgroup(hierarchy, path, { pids: { limit: 3 } });
    expect(readStats(again).pidsLimit).toBe(3);
    await removeCgroup(again);
    await removeCgroup(again);
  });

  test("notices that the OOM killer struck", async () => {
    const cgroup = createCgroup(hierarchy, `${parent}/${newId()}`, {
      memory: { limit: 8 * mega, ...(hasSwapLimit(hierarchy) ? { swap: 8 * mega } : {}) },
    });
    const directory = controllerDirectory(cgroup, "memory")?.directory;
    const script = `echo $$ > ${directory}/cgroup.procs; exec tail /dev/zero`;
    const glutton = Bun.spawn(["sh", "-c", script], { stdout: "ignore", stderr: "ignore" });
    await glutton.exited;
    expect(glutton.signalCode).toBe("SIGKILL");
    expect(readOomKilled(cgroup)).toBe(true);
    await removeCgroup(cgroup);
  });

  test("an empty list of devices denies all of them, docker's allows /dev/null", async () => {
    const open = async (resources: SpecResources): Promise<number> => {
      const cgroup = createCgroup(hierarchy, `${parent}/${newId()}`, resources);
      const directories = cgroup.directories.map(({ directory }) => `echo $$ > ${directory}/cgroup.procs`);
      // The shell's own descriptors come first: a new process must open them again.
      const script = `${directories.join("; ")}; exec sh -c ': < /dev/null'`;
      const shell = Bun.spawn(["sh", "-c", script], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
      const exitCode = await shell.exited;
      await removeCgroup(cgroup);
      return exitCode;
    };
    expect(await open({ devices: defaultDeviceRules() })).toBe(0);
    expect(await open({ devices: [{ allow: false, access: "rwm" }] })).not.toBe(0);
  });

  test("a sweep takes the dead and their processes, never the living or what is not ours", async () => {
    const dead = newId();
    const living = newId();
    const deadCgroup = createCgroup(hierarchy, `${parent}/${dead}`, {});
    const livingCgroup = createCgroup(hierarchy, `${parent}/${living}`, {});
    const foreign = createCgroup(hierarchy, `${parent}/not-a-container`, {});
    const orphan = Bun.spawn(["sleep", "60"]);
    joinCgroup(deadCgroup, orphan.pid);
    expect([...listContainerIds(hierarchy, parent)].sort()).toEqual([dead, living].sort());
    expect(await sweepCgroups(hierarchy, parent, (id) => id === living)).toEqual([dead]);
    expect(await orphan.exited).not.toBe(0);
    expect([isGone(deadCgroup), isGone(livingCgroup), isGone(foreign)]).toEqual([true, false, false]);
    await removeCgroup(livingCgroup);
    await removeCgroup(foreign);
  });

  test("a process that has ended is not an error to join", async () => {
    const cgroup = createCgroup(hierarchy, `${parent}/${newId()}`, {});
    const gone = Bun.spawn(["true"]);
    await gone.exited;
    expect(joinCgroup(cgroup, gone.pid)).toBe(false);
    await removeCgroup(cgroup);
    expect(joinCgroup(cgroup, process.pid)).toBe(false);
  });

  test("sweeping where nothing ever was finds nothing", async () => {
    expect(await sweepCgroups(hierarchy, `${parent}-never`, () => false)).toEqual([]);
  });
});

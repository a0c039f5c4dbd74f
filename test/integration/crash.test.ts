/**
 * kill -9 of the CLI or the monitor at many moments: the next command settles what was left, and nothing leaks.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

/** Pids of processes of this state root whose arguments match. */
function ownProcesses(pattern: RegExp): number[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        const isOurs = readFileSync(`/proc/${pid}/environ`, "utf8").includes(`BOCKER_ROOT=${bocker.root}`);
        return isOurs && pattern.test(readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Whether a process runs: a zombie that its new parent is slow to reap does not. */
function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

/** Every container is removed and the host is as before. */
async function expectClean(): Promise<void> {
  const ids = (await bocker.ok("ps", "-aq")).split("\n").filter((id) => id !== "");
  if (ids.length > 0) await bocker.ok("rm", "-f", ...ids);
  expect(await bocker.leftovers()).toEqual([]);
}

const moments = Array.from({ length: 16 }, (_, at) => at * 3);

describe("the CLI is killed", () => {
  for (const network of ["none", "bridge"]) {
    test(`at ${moments.length} moments of run, network ${network}`, async () => {
      for (const afterMs of moments) {
        const child = bocker.spawn(["run", "--rm", "--network", network, "busybox", "sleep", "30"]);
        await Bun.sleep(afterMs);
        child.kill("SIGKILL");
        await child.exited;
        await expectClean();
      }
    }, 120_000);
  }

  test("at many moments of rm -f", async () => {
    for (const afterMs of moments.slice(0, 8)) {
      await bocker.ok("run", "-d", "--name", "victim", "busybox", "sleep", "100");
      const child = bocker.spawn(["rm", "-f", "victim"]);
      await Bun.sleep(afterMs);
      child.kill("SIGKILL");
      await child.exited;
      await expectClean();
    }
  }, 120_000);

  test("while attached to a running container: the container goes on", async () => {
    const child = bocker.spawn([
      "run",
      "--name",
      "stays",
      "--network",
      "none",
      "busybox",
      "sh",
      "-c",
      "echo on; sleep 100",
    ]);
    await child.stdout.getReader().read();
    child.kill("SIGKILL");
    await child.exited;
    expect((await bocker.inspect("stays")).State.Running).toBe(true);
    await expectClean();
  });
});

/** It may have ended by itself since it was listed. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

describe("the monitor is killed", () => {
  test("a running container dies with it, and is settled as dead", async () => {
    await bocker.ok("run", "-d", "--name", "orphan", "busybox", "sleep", "100");
    const { Pid } = (await bocker.inspect("orphan")).State;
    const monitors = ownProcesses(/\bmonitor\b/);
    expect(monitors).toHaveLength(1);
    for (const pid of monitors) process.kill(pid, "SIGKILL");
    await Bun.sleep(200);
    const { State } = await bocker.inspect("orphan");
    expect(State).toMatchObject({ Running: false, Status: "exited" });
    expect(State.ExitCode).not.toBe(0);
    expect(isAlive(Pid)).toBe(false);
    expect(await bocker.ok("start", "orphan")).toBe("orphan");
    expect((await bocker.inspect("orphan")).State.Running).toBe(true);
    await expectClean();
  });

  test("at many moments of run: the CLI says so and does not hang", async () => {
    for (const afterMs of moments) {
      const child = bocker.spawn(["run", "--rm", "busybox", "sleep", "0.2"]);
      await Bun.sleep(afterMs);
      for (const pid of ownProcesses(/\bmonitor\b/)) killIfThere(pid);
      const exitCode = await child.exited;
      expect(child.signalCode).toBeNull();
      expect(exitCode).toBeOneOf([0, 125, 137, 255]);
      await expectClean();
    }
  }, 120_000);
});

test("many at once: every one runs, every address is its own, nothing is left", async () => {
  const script = "ip -4 -o addr show eth0 | awk '{print $4}'; cat";
  const runs = Array.from({ length: 12 }, () =>
    bocker.spawn(["run", "--rm", "-i", "busybox", "sh", "-c", script]),
  );
  const errors = Promise.all(runs.map(({ stderr }) => stderr.text()));
  // Each lives until all have said their address.
  const outputs = runs.map(({ stdout }) => stdout.getReader());
  const said = await Promise.all(outputs.map((output) => output.read()));
  const addresses = said.map(({ value }) => new TextDecoder().decode(value).trim());
  for (const run of runs) void run.stdin.end();
  expect(await errors).toEqual(runs.map(() => ""));
  expect(await Promise.all(runs.map(({ exited }) => exited))).toEqual(runs.map(() => 0));
  expect(new Set(addresses).size).toBe(12);
  await expectClean();
}, 60_000);

/**
 * Commands that meet: one comes while another starts, removes or changes the same container, or while that ends. What the
 * other process has done so far is written into the state here, so that the moment holds still.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type ProcessIdentity, readProcessIdentity } from "../../src/host/process-identity.ts";
import { startCommand } from "../../src/host/run-command.ts";
import { markExited, markRunning, markStartFailed, markStarting } from "../../src/state/container-life.ts";
import { openState, type State } from "../../src/state/state.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let state: State;
let monitor: ProcessIdentity;
beforeAll(async () => {
  bocker = openWorkspace();
  await bocker.ok("ps");
  state = openState({ database: join(bocker.root, "state.db") });
  monitor = identityOf(process.pid);
});
afterAll(() => {
  state.close();
  return bocker[Symbol.asyncDispose]();
});

function identityOf(pid: number): ProcessIdentity {
  const identity = readProcessIdentity(pid);
  if (identity === undefined) throw new Error(`no process ${pid}`);
  return identity;
}

/** Stands in for a container's first process. */
function startSleeper(): { readonly identity: ProcessIdentity; end(): Promise<unknown> } {
  const child = startCommand(["sleep", "600"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  const end = () => {
    child.kill("SIGKILL");
    return child.exited;
  };
  return { identity: identityOf(child.pid), end };
}

/** Starts a command that has to wait, and looks that it does for as long as another command takes. */
async function spawnWaiting(...words: readonly string[]) {
  const child = bocker.spawn(words);
  void child.stdin.end();
  const output = Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  await bocker.ok("ps", "-a");
  expect(child.exitCode).toBe(null);
  return async () => {
    const [stdout, stderr, exitCode] = await output;
    return { stdout, stderr, exitCode };
  };
}

describe("while another process starts a container", () => {
  let id: string;
  let sleeper: ReturnType<typeof startSleeper>;
  beforeEach(async () => {
    sleeper = startSleeper();
    id = await bocker.ok("create", "--name", "busy", "--network", "none", "busybox", "true");
    expect(markStarting(state, id, monitor)).toBe(true);
  });
  afterEach(async () => {
    await sleeper.end();
    markExited(state, id, { monitor }, { exitCode: 0, oomKilled: false });
    await bocker.run("rm", "-f", id);
    expect(await bocker.ok("ps", "-aq")).toBe("");
  });

  test("rm -f waits until that has failed", async () => {
    const ended = await spawnWaiting("rm", "-f", "busy");
    markStartFailed(state, id, monitor, { exitCode: 127, error: "as the test says" });
    expect(await ended()).toEqual({ stdout: "busy\n", stderr: "", exitCode: 0 });
    expect(existsSync(join(bocker.root, "container", id))).toBe(false);
  });

  test("rm waits, and refuses when it runs", async () => {
    const ended = await spawnWaiting("rm", "busy");
    expect(markRunning(state, id, monitor, sleeper.identity)).toBe(true);
    const { exitCode, stderr } = await ended();
    expect(exitCode).toBe(1);
    expect(stderr).toContain('cannot remove container "/busy": container is running');
  });

  test("start waits, and has nothing left to do", async () => {
    const ended = await spawnWaiting("start", "busy");
    expect(markRunning(state, id, monitor, sleeper.identity)).toBe(true);
    expect(await ended()).toEqual({ stdout: "busy\n", stderr: "", exitCode: 0 });
  });

  test("container prune leaves it alone", async () => {
    await bocker.ok("container", "prune", "-f");
    expect(await bocker.ok("ps", "-aq", "--no-trunc")).toBe(id);
  });
});

test("four starts at once: one starts it, all succeed", async () => {
  const id = await bocker.ok("create", "--network", "none", "busybox", "sleep", "600");
  const starts = await Promise.all([1, 2, 3, 4].map(() => bocker.run("start", id)));
  expect(starts.map(({ stdout, stderr }) => `${stdout}${stderr}`)).toEqual([1, 2, 3, 4].map(() => `${id}\n`));
  await bocker.ok("rm", "-f", id);
});

describe("of a container that the state calls running", () => {
  let id: string;
  let sleeper: ReturnType<typeof startSleeper>;
  beforeEach(async () => {
    sleeper = startSleeper();
    id = await bocker.ok("create", "--name", "ending", "--network", "none", "busybox", "true");
    expect(markStarting(state, id, monitor)).toBe(true);
    expect(markRunning(state, id, monitor, sleeper.identity)).toBe(true);
  });
  afterEach(async () => {
    await sleeper.end();
    markExited(state, id, { monitor }, { exitCode: 0, oomKilled: false });
    await bocker.ok("rm", id);
  });

  test("attach looks again when nobody answers: it has stopped", async () => {
    const ended = await spawnWaiting("attach", "ending");
    markExited(state, id, { monitor }, { exitCode: 0, oomKilled: false });
    expect(await ended()).toEqual({
      stdout: "",
      stderr: "Error: You cannot attach to a stopped container, start it first\n",
      exitCode: 1,
    });
  });

  test("pause says that it does not run when its cgroup has gone already", async () => {
    const { exitCode, stderr } = await bocker.run("pause", "ending");
    expect([exitCode, stderr.split("\n")[0]]).toEqual([1, `Error: container ${id} is not running`]);
  });
});

test("cp, diff, export and commit of a container whose folder is gone make no new one", async () => {
  const id = await bocker.ok("create", "--name", "gone", "--network", "none", "busybox", "true");
  const folder = join(bocker.root, "container", id);
  const kept = join(bocker.directory, "kept");
  expect(Bun.spawnSync(["mv", folder, kept]).exitCode).toBe(0);
  for (const words of [
    ["cp", "/etc/passwd", "gone:/p"],
    ["diff", "gone"],
    ["export", "gone"],
    ["commit", "gone", "x"],
  ])
    expect((await bocker.run(...words)).exitCode).toBe(1);
  expect(readdirSync(join(bocker.root, "container"))).toEqual([]);
  expect(Bun.spawnSync(["mv", kept, folder]).exitCode).toBe(0);
  await bocker.ok("rm", "gone");
});

test("networks of one container change one after the other, whoever asks", async () => {
  await bocker.ok("network", "create", "second");
  const id = await bocker.ok("run", "-d", "busybox", "sleep", "600");
  for (let round = 0; round < 3; round++) {
    const changes = [
      ["network", "connect", "second", id],
      ["network", "disconnect", "bridge", id],
    ].map((words) => bocker.run(...words));
    expect((await Promise.all(changes)).map(({ stderr }) => stderr)).toEqual(["", ""]);
    expect(await bocker.ok("exec", id, "ls", "/sys/class/net")).toMatch(/^(eth\d\s+lo|lo\s+eth\d)$/);
    await bocker.ok("network", "connect", "bridge", id);
    await bocker.ok("network", "disconnect", "second", id);
  }
  await bocker.ok("rm", "-f", id);
  await bocker.ok("network", "rm", "second");
});

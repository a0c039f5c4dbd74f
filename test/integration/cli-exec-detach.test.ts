/**
 * `exec -d`: somebody waits for the process, tells how it ended, and is gone then.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(async () => {
  bocker = openWorkspace();
  await bocker.ok("run", "-d", "--network", "none", "--name", "host", "busybox", "sleep", "1000");
});
afterAll(() => bocker[Symbol.asyncDispose]());

interface ExecEvent {
  readonly action: string;
  readonly execID: string;
  readonly exitCode: string | undefined;
}

async function events(): Promise<readonly ExecEvent[]> {
  const text = await bocker.ok("events", "--since", "0", "--until", "0s", "--format", "json");
  return text.split("\n").flatMap((line) => {
    const { Action: action, Actor } = JSON.parse(line);
    return action.startsWith("exec_") ? [{ action, ...Actor.Attributes }] : [];
  });
}

async function deathOf(execID: string): Promise<ExecEvent> {
  for (let tries = 0; tries < 400; tries++) {
    const death = (await events()).find((event) => event.action === "exec_die" && event.execID === execID);
    if (death !== undefined) return death;
    await Bun.sleep(25);
  }
  throw new Error("nobody told of the end");
}

const execIds = async (): Promise<readonly string[] | null> => (await bocker.inspect("host")).ExecIDs;

/** Keepers of this workspace, by its root in their environment. */
function keepers(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0exec-keeper\0") &&
          readFileSync(`/proc/${pid}/environ`, "utf8").includes(bocker.root)
        );
      } catch {
        return false;
      }
    });
}

async function noKeeperLeft(): Promise<void> {
  for (let tries = 0; keepers().length > 0; tries++) {
    if (tries > 400) throw new Error("a keeper stays");
    await Bun.sleep(25);
  }
}

test("a short one: create, start and die with the exit code", async () => {
  expect(await bocker.run("exec", "-d", "host", "sh", "-c", "exit 7")).toMatchObject({
    exitCode: 0,
    stdout: "",
    stderr: "",
  });
  const [created, started] = await events();
  expect([created?.action, started?.action]).toEqual([
    "exec_create: sh -c exit 7",
    "exec_start: sh -c exit 7",
  ]);
  expect(await deathOf(created?.execID ?? "")).toMatchObject({ exitCode: "7" });
  await noKeeperLeft();
  expect(await execIds()).toBeNull();
});

test("a long one: in ExecIDs, its keeper small and with nothing open, the end told as well", async () => {
  await bocker.ok("exec", "-d", "host", "sh", "-c", "while [ ! -e /go ]; do sleep 0.05; done; kill -9 $$");
  const [execID = ""] = (await execIds()) ?? [];
  expect(execID).toMatch(/^[0-9a-f]{64}$/);
  const [keeper = 0] = keepers();
  // A second later it is another process image, with what it has to know on its command line.
  while (!readFileSync(`/proc/${keeper}/cmdline`, "utf8").includes(execID)) await Bun.sleep(25);
  const open = readdirSync(`/proc/${keeper}/fd`).map((fd) => readlinkSync(`/proc/${keeper}/fd/${fd}`));
  expect(open.filter((target) => target.includes("state.db") || target.startsWith("socket:"))).toEqual([]);
  await bocker.ok("exec", "host", "touch", "/go");
  expect(await deathOf(execID)).toMatchObject({ exitCode: "137" });
  await noKeeperLeft();
  expect(await execIds()).toBeNull();
});

test("what cannot be started is said as without -d", async () => {
  for (const words of [
    ["host", "nonexistent"],
    ["-w", "/nowhere", "host", "true"],
    ["-u", "nobody-there", "host", "true"],
    ["gone", "true"],
  ]) {
    const attached = await bocker.run("exec", ...words);
    expect(attached.exitCode).not.toBe(0);
    expect(await bocker.run("exec", "-d", ...words)).toEqual(attached);
  }
  await noKeeperLeft();
});

test("a keeper ends with its container, and one that is killed takes nobody along", async () => {
  const name = "short";
  await bocker.ok("run", "-d", "--network", "none", "--name", name, "busybox", "sleep", "1000");
  await bocker.ok("exec", "-d", name, "sleep", "1000");
  await bocker.ok("exec", "-d", name, "sleep", "1001");
  expect((await bocker.inspect(name)).ExecIDs).toHaveLength(2);
  const [victim = 0] = keepers();
  process.kill(victim, "SIGKILL");
  const processes = await bocker.ok("top", name, "-o", "pid,args");
  expect(processes).toContain("sleep 1000");
  expect(processes).toContain("sleep 1001");
  await bocker.ok("rm", "-f", name);
  await noKeeperLeft();
});

test("many at once each tell their own end", async () => {
  const codes = ["11", "12", "13", "14", "15", "16"];
  await Promise.all(codes.map((code) => bocker.ok("exec", "-d", "host", "sh", "-c", `exit ${code}`)));
  await noKeeperLeft();
  const deaths = (await events()).flatMap(({ action, exitCode }) =>
    action === "exec_die" ? [exitCode] : [],
  );
  expect(deaths.filter((code) => codes.includes(code ?? "")).toSorted()).toEqual(codes);
});

/**
 * `--timeout`: a run that takes too long is killed, also after its monitor has rested, while it is paused, and again in
 * each run of a restart policy.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { restVariable } from "../../src/monitor/rest.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

const flags = (name: string, seconds: number, ...more: readonly string[]) => [
  ...["--network", "none", "--name", name, "--timeout", String(seconds)],
  ...more,
];

test("ends a run in the foreground with podman's 255, which inspect has as -1", async () => {
  const run = await bocker.run("run", ...flags("slow", 1), "busybox", "sh", "-c", "echo begun; sleep 100");
  expect(run).toMatchObject({ exitCode: 255, stdout: "begun\n" });
  const { State, Config } = await bocker.inspect("slow");
  expect(State).toMatchObject({ Status: "exited", ExitCode: -1, OOMKilled: false });
  expect(Config.Timeout).toBe(1);
  expect(await bocker.ok("wait", "slow")).toBe("-1");
  await bocker.ok("rm", "slow");
});

test("leaves one alone that ends in time; the next start has all of the time again", async () => {
  const run = await bocker.run("run", ...flags("quick", 60), "busybox", "sh", "-c", "exit 4");
  expect(run.exitCode).toBe(4);
  expect(await bocker.run("start", "-a", "quick")).toMatchObject({ exitCode: 4 });
  await bocker.ok("rm", "quick");
  // 0 is podman's word for none.
  await bocker.ok("run", "--rm", ...flags("none", 0), "busybox", "true");
});

test("counts on over a monitor's rest, and reaches a paused container", async () => {
  await bocker.ok("run", "-d", ...flags("rested", 3), "busybox", "sleep", "100");
  const { State } = await bocker.inspect("rested");
  const monitor = Number(/^PPid:\s+(\d+)/m.exec(await Bun.file(`/proc/${State.Pid}/status`).text())?.[1]);
  const isRested = async () => (await Bun.file(`/proc/${monitor}/environ`).text()).includes(restVariable);
  while (!(await isRested())) await Bun.sleep(25);
  await bocker.ok("pause", "rested");
  expect(await bocker.ok("wait", "rested")).toBe("-1");
  const after = (await bocker.inspect("rested")).State;
  const ranMs = Date.parse(after.FinishedAt) - Date.parse(after.StartedAt);
  expect(ranMs).toBeWithin(2900, 8000);
  await bocker.ok("rm", "rested");
});

test("is a failure to a restart policy, and each run has its own time", async () => {
  await bocker.ok("run", "-d", ...flags("twice", 1, "--restart", "on-failure:1"), "busybox", "sleep", "100");
  expect(await bocker.ok("wait", "twice")).toBe("-1");
  while ((await bocker.inspect("twice")).State.Status !== "exited") await bocker.run("wait", "twice");
  expect((await bocker.inspect("twice")).RestartCount).toBe(1);
  await bocker.ok("rm", "twice");
});

/**
 * Health checks: when they run, what they say of a container, and what --health-on-failure does.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { restVariable } from "../../src/monitor/rest.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

const checked = (name: string, command: string, ...flags: readonly string[]) =>
  bocker.ok(
    "run",
    "-d",
    "--network",
    "none",
    "--name",
    name,
    "--health-cmd",
    command,
    "--health-interval",
    "50ms",
    ...flags,
    "busybox",
    "sleep",
    "100",
  );

const healthOf = async (name: string) => (await bocker.inspect(name)).State.Health;
const statusOf = async (name: string) => (await bocker.inspect(name)).State.Status;

/** Looks until `condition` holds, for at most ten seconds. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await condition()) return;
    await Bun.sleep(25);
  }
  throw new Error("it did not happen within 10 s");
}

test("starting, unhealthy, healthy: in inspect, ps and its filter", async () => {
  await checked(
    "life",
    "cat /ok && echo fine",
    "--health-retries",
    "2",
    "--health-start-period",
    "1s",
    "--health-start-interval",
    "50ms",
  );
  expect(await bocker.ok("ps")).toContain("(health: starting)");
  await eventually(async () => (await healthOf("life")).Status === "unhealthy");
  const sick = await healthOf("life");
  expect(sick.FailingStreak).toBeGreaterThanOrEqual(2);
  expect(sick.Log.length).toBeWithin(2, 6);
  expect(sick.Log.at(-1)).toMatchObject({
    ExitCode: 1,
    Output: "cat: can't open '/ok': No such file or directory\n",
  });
  expect(await bocker.ok("ps", "-q", "-f", "health=healthy")).toBe("");
  await bocker.ok("exec", "life", "touch", "/ok");
  await eventually(async () => (await healthOf("life")).Status === "healthy");
  const well = await healthOf("life");
  expect(well).toMatchObject({ FailingStreak: 0 });
  expect(well.Log.at(-1)).toMatchObject({ ExitCode: 0, Output: "fine\n" });
  expect(await bocker.ok("ps")).toMatch(/Up .* \(healthy\)/);
  expect((await bocker.ok("ps", "-q", "-f", "health=healthy")).length).toBe(12);
  await bocker.ok("stop", "-t", "0", "life");
  expect((await healthOf("life")).Status).toBe("unhealthy");
  await bocker.ok("rm", "life");
});

test("checks go on when the monitor has rested, and stop while the container is paused", async () => {
  await checked("rests", "true", "--health-interval", "200ms");
  const { Pid } = (await bocker.inspect("rests")).State;
  const monitor = Number(/^PPid:\s+(\d+)/m.exec(await Bun.file(`/proc/${Pid}/status`).text())?.[1]);
  // A monitor that rests has executed itself anew, with what it has to know in a descriptor.
  await eventually(async () => (await Bun.file(`/proc/${monitor}/environ`).text()).includes(restVariable));
  const last = async () => (await healthOf("rests")).Log.at(-1)?.Start;
  const before = await last();
  await eventually(async () => (await last()) !== before);
  await bocker.ok("pause", "rests");
  // One that began before the pause may still end; after it there is none.
  await Bun.sleep(500);
  const paused = await last();
  await Bun.sleep(500);
  expect(await last()).toBe(paused);
  await bocker.ok("unpause", "rests");
  await eventually(async () => (await last()) !== paused);
  await bocker.ok("rm", "-f", "rests");
});

test("a check that takes too long is killed and counts as a failure; its output is cut", async () => {
  await checked("slow", "echo before; sleep 50", "--health-timeout", "100ms", "--health-retries", "1");
  await eventually(async () => (await healthOf("slow")).Status === "unhealthy");
  expect((await healthOf("slow")).Log[0]).toMatchObject({
    ExitCode: -1,
    Output: "Health check exceeded timeout (100ms): before\n",
  });
  await bocker.ok("rm", "-f", "slow");
  await checked("loud", "head -c 5000 /dev/zero | tr '\\0' x");
  await eventually(async () => (await healthOf("loud")).Status === "healthy");
  expect((await healthOf("loud")).Log[0].Output).toBe(`${"x".repeat(4096)}...`);
  await bocker.ok("rm", "-f", "loud");
});

test("--health-on-failure: kill ends it, restart gives it another process", async () => {
  await checked("killed", "false", "--health-retries", "1", "--health-on-failure", "kill");
  expect(await bocker.ok("wait", "killed")).toBe("137");
  await checked(
    "again",
    "test -e /dev/shm/x || { touch /dev/shm/x; exit 1; }",
    "--health-retries",
    "1",
    "--health-on-failure",
    "restart",
    "--stop-signal",
    "KILL",
  );
  const { StartedAt } = (await bocker.inspect("again")).State;
  await eventually(async () => (await bocker.inspect("again")).State.StartedAt !== StartedAt);
  await eventually(async () => (await statusOf("again")) === "running");
  await bocker.ok("rm", "-f", "again");
  await bocker.ok("rm", "killed");
  expect(await bocker.leftovers()).toEqual([]);
});

test("the image's HEALTHCHECK, changed and switched off", async () => {
  await bocker.ok("create", "--name", "base", "busybox");
  const change = 'HEALTHCHECK --interval=50ms --retries=9 CMD ["echo", "from the image"]';
  await bocker.ok("commit", "--change", change, "base", "checked:1");
  await bocker.ok(
    "run",
    "-d",
    "--network",
    "none",
    "--name",
    "image",
    "--health-retries",
    "4",
    "checked:1",
    "sleep",
    "100",
  );
  await eventually(async () => (await healthOf("image")).Status === "healthy");
  expect((await healthOf("image")).Log[0].Output).toBe("from the image\n");
  expect((await bocker.inspect("image")).Config.Healthcheck).toEqual({
    Test: ["CMD", "echo", "from the image"],
    Interval: 50_000_000,
    Retries: 4,
  });
  await bocker.ok(
    "run",
    "-d",
    "--network",
    "none",
    "--name",
    "off",
    "--no-healthcheck",
    "checked:1",
    "sleep",
    "100",
  );
  expect(await healthOf("off")).toBeUndefined();
  expect(await bocker.ok("ps", "-f", "name=off")).not.toContain("health");
  await bocker.ok("rm", "-f", "image", "off", "base");
});

test("a check that takes too long is killed with all that it has started", async () => {
  const children = "sleep 601 & setsid sleep 602 & (sleep 603 & sleep 604) & exec sleep 605";
  const script = `[ -e /once ] && exit 0; touch /once; echo before; ${children}`;
  await checked("late", script, "--health-timeout", "300ms");
  const results = async () =>
    (await healthOf("late")).Log as { readonly ExitCode: number; readonly Output: string }[];
  await eventually(async () => (await results()).length > 0);
  expect((await results())[0]).toMatchObject({
    ExitCode: -1,
    Output: "Health check exceeded timeout (300ms): before\n",
  });
  expect(await bocker.ok("top", "late", "-o", "pid,args")).not.toMatch(/sleep 60\d/);
  await bocker.ok("rm", "-f", "late");
});

test("healthcheck run looks at once, says what it finds, and counts as a check", async () => {
  const flags = ["--health-interval", "1h", "--health-start-period", "1h", "--health-retries", "1"];
  await checked("byhand", "test -e /well", ...flags);
  expect(await bocker.run("healthcheck", "run", "byhand")).toMatchObject({
    exitCode: 1,
    stdout: "unhealthy\n",
  });
  await bocker.ok("exec", "byhand", "touch", "/well");
  expect(await bocker.run("healthcheck", "run", "byhand")).toMatchObject({ exitCode: 0, stdout: "" });
  expect((await healthOf("byhand")).Status).toBe("healthy");
  await bocker.ok("exec", "byhand", "rm", "/well");
  expect(await bocker.run("container", "healthcheck", "byhand")).toMatchObject({
    exitCode: 1,
    stdout: "unhealthy\n",
  });
  expect(await bocker.ok("healthcheck", "run", "--ignore-result", "byhand")).toBe("unhealthy");
  const { Status, Log } = await healthOf("byhand");
  expect({ Status, codes: Log.map(({ ExitCode }: { ExitCode: number }) => ExitCode) }).toEqual({
    Status: "unhealthy",
    codes: [1, 0, 1, 1],
  });
  await bocker.ok("rm", "-f", "byhand");
});

test("healthcheck run refuses what has no check, and what does not run", async () => {
  await bocker.ok("create", "--name", "unchecked", "busybox", "true");
  await bocker.ok("create", "--name", "idle", "--health-cmd", "true", "busybox", "true");
  for (const [name, reason] of [
    ["unchecked", "container unchecked has no health check configured"],
    ["idle", "container idle is not running (status: created)"],
    ["absent", "No such container: absent"],
  ] as const) {
    expect(await bocker.run("healthcheck", "run", name)).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: `Error: ${reason}\n`,
    });
  }
  await bocker.ok("rm", "unchecked", "idle");
});

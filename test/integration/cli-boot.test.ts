/**
 * `boot`: which containers come back after the machine was started anew, after a crash and after an orderly shutdown,
 * and the hooks that call it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { crashAndReboot, rebootStopped } from "../lib/reboot.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

const detached = (name: string, flags: readonly string[], ...command: readonly string[]) =>
  bocker.ok("run", "-d", "--network", "none", "--name", name, ...flags, "busybox", ...command);

/** Starts one that ends at SIGTERM, at once and with this code; kept when it is ready for that. */
async function obedient(name: string, flags: readonly string[], code: number): Promise<void> {
  await detached(
    name,
    flags,
    "sh",
    "-c",
    `trap 'exit ${code}' TERM; echo ready; while :; do sleep 1 & wait; done`,
  );
  await eventually(async () => (await bocker.ok("logs", name)) === "ready");
}

const stateOf = async (name: string) => (await bocker.inspect(name)).State;
const lines = (text: string) => text.split("\n").filter((line) => line !== "");

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await condition()) return;
    await Bun.sleep(25);
  }
  throw new Error("it did not happen within 10 s");
}

async function removeAll(): Promise<void> {
  await bocker.ok("rm", "-f", ...lines(await bocker.ok("ps", "-aq")));
}

describe("after a crash of the machine", () => {
  test("what has a policy and was not stopped runs again, what was stopped with `always` too", async () => {
    await detached("always", ["--restart", "always"], "sleep", "100");
    await detached("halted", ["--restart", "always"], "sleep", "100");
    await detached("unless", ["--restart", "unless-stopped"], "sleep", "100");
    await detached("stopped", ["--restart", "unless-stopped"], "sleep", "100");
    await detached("failing", ["--restart", "on-failure"], "sleep", "100");
    await detached("once", [], "sleep", "100");
    await detached("fine", ["--restart", "on-failure"], "true");
    await detached("gone", ["--rm"], "sleep", "100");
    await bocker.ok("create", "--restart", "always", "--name", "fresh", "busybox", "true");
    await bocker.ok("wait", "fine");
    await bocker.ok("kill", "halted", "stopped");
    await crashAndReboot(bocker);

    const order = ["always", "halted", "unless", "failing"];
    expect(lines(await bocker.ok("boot", "--dry-run"))).toEqual(order);
    expect(await stateOf("once")).toMatchObject({
      Status: "exited",
      ExitCode: 255,
      Error: "the machine went down while it ran",
    });
    expect(await stateOf("always")).toMatchObject({ Status: "exited" });

    expect(lines(await bocker.ok("boot")).toSorted()).toEqual(order.toSorted());
    for (const name of order) expect(await stateOf(name)).toMatchObject({ Status: "running" });
    for (const name of ["once", "stopped", "fine"])
      expect(await stateOf(name)).toMatchObject({ Status: "exited" });
    expect(await stateOf("fresh")).toMatchObject({ Status: "created" });
    expect((await bocker.run("inspect", "gone")).exitCode).toBe(1);
    // Nothing is missing any more.
    expect(await bocker.ok("boot")).toBe("");
    expect(await bocker.ok("exec", "always", "echo", "there")).toBe("there");
    await removeAll();
  });

  test("whoever joins another's network comes after it, and one that cannot start keeps nobody back", async () => {
    const policy = ["--restart", "always"];
    await bocker.ok("run", "-d", "--name", "owner", ...policy, "busybox", "sleep", "100");
    const joined = ["--network", "container:owner", ...policy];
    await bocker.ok("run", "-d", "--name", "guest", ...joined, "busybox", "sleep", "100");
    const source = join(bocker.directory, "source");
    mkdirSync(source);
    const mount = `type=bind,source=${source},target=/x`;
    await detached("broken", ["--mount", mount, ...policy], "sleep", "100");
    await crashAndReboot(bocker);
    await Bun.$`rmdir ${source}`;
    const boot = await bocker.run("boot", "--parallel", "1");
    expect({ exitCode: boot.exitCode, started: lines(boot.stdout) }).toEqual({
      exitCode: 1,
      started: ["owner", "guest"],
    });
    expect(boot.stderr).toStartWith("Error: broken: ");
    const net = (name: string) => bocker.ok("exec", name, "readlink", "/proc/self/ns/net");
    expect(await net("guest")).toBe(await net("owner"));
    await removeAll();
  });

  test("two boots at once start each container once", async () => {
    for (const name of ["b1", "b2", "b3", "b4"])
      await detached(name, ["--restart", "always"], "sleep", "100");
    await crashAndReboot(bocker);
    const boots = await Promise.all([bocker.run("boot"), bocker.run("boot")]);
    expect(boots.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual([
      { exitCode: 0, stderr: "" },
      { exitCode: 0, stderr: "" },
    ]);
    for (const name of ["b1", "b2", "b3", "b4"])
      expect(await stateOf(name)).toMatchObject({ Status: "running" });
    await removeAll();
  });
});

describe("a system that is shut down", () => {
  test("by `boot stop`: containers end in their own way, and those that ran come back", async () => {
    await obedient("web", ["--restart", "unless-stopped"], 0);
    await obedient("job", ["--restart", "on-failure"], 3);
    await obedient("done", ["--restart", "on-failure"], 0);
    await obedient("user", ["--restart", "unless-stopped"], 0);
    await obedient("plain", [], 0);
    await bocker.ok("stop", "user");
    expect(lines(await bocker.ok("boot", "stop")).toSorted()).toEqual(["done", "job", "plain", "web"]);
    expect(await bocker.ok("ps", "-q")).toBe("");
    expect(await stateOf("web")).toMatchObject({ Status: "exited", ExitCode: 0, Error: "" });
    expect(await stateOf("job")).toMatchObject({ Status: "exited", ExitCode: 3 });
    expect(await bocker.ok("boot", "stop")).toBe("");
    rebootStopped(bocker);
    expect(lines(await bocker.ok("boot")).toSorted()).toEqual(["job", "web"]);
    await bocker.ok("stop", "web");
    expect(lines(await bocker.ok("boot", "--dry-run"))).toEqual([]);
    await removeAll();
  });

  test("by signals to every process: no policy starts what ends then, the next boot does", async () => {
    await obedient("svc", ["--restart", "unless-stopped"], 0);
    await detached("loop", ["--restart", "always"], "sh", "-c", "exit 5");
    await eventually(
      async () => (await stateOf("loop")).Restarting && (await bocker.inspect("loop")).RestartCount > 3,
    );
    const monitors = await Promise.all([monitorOf("svc"), monitorOf("loop")]);
    const { Pid: pid } = await stateOf("svc");
    for (const target of [...monitors, pid]) process.kill(target, "SIGTERM");
    await eventually(async () => (await stateOf("svc")).Status === "exited");
    await eventually(async () => (await stateOf("loop")).Status === "exited");
    expect(await stateOf("loop")).toMatchObject({ ExitCode: 5 });
    // A monitor that has nothing left to start has ended.
    await eventually(async () => monitors.every((monitor) => !existsSync(`/proc/${monitor}`)));
    expect(lines(await bocker.ok("boot", "--dry-run"))).toEqual(["svc", "loop"]);
    await removeAll();
  });
});

async function monitorOf(name: string): Promise<number> {
  const database = new (await import("bun:sqlite")).Database(join(bocker.root, "state.db"), {
    readonly: true,
  });
  const row = database.query("SELECT monitor FROM containers WHERE name = ?").get(name) as {
    monitor: string;
  };
  database.close();
  return JSON.parse(row.monitor).pid;
}

describe("the hook", () => {
  test("is written with this executable's path and this call's settings, shown, and removed", async () => {
    const into = join(bocker.directory, "machine");
    mkdirSync(join(into, "run/systemd/system"), { recursive: true });
    expect(await bocker.run("boot", "status", "--into", into)).toMatchObject({
      exitCode: 1,
      stdout: "init system: systemd\nboot hook: not installed\n",
    });
    const installed = await bocker.ok("boot", "install", "--into", into);
    const path = "/etc/systemd/system/bocker-boot.service";
    expect(installed).toStartWith(`init system: systemd\nwrote ${path}\n    # Written by`);
    const text = readFileSync(join(into, path), "utf8");
    expect(text).toMatch(/^ExecStart=\/\S*bocker boot$/m);
    expect(text).toContain(`Environment=BOCKER_ROOT=${bocker.root}\n`);
    expect(text).toContain(`Environment=BOCKER_RUN=${bocker.runRoot}\n`);
    expect(text).toContain(`Environment=BOCKER_CONFIG=${bocker.configFile}\n`);
    expect(text).not.toContain("BOCKER_STORAGE_DRIVER");
    expect(await bocker.ok("boot", "status", "--into", into)).toBe(
      `init system: systemd\nboot hook: systemd, enabled: ${path}`,
    );
    expect(lines(await bocker.ok("boot", "uninstall", "--into", into))).toHaveLength(2);
    expect(existsSync(join(into, path))).toBe(false);
    const again = await bocker.run("boot", "uninstall", "--into", into);
    expect(again).toMatchObject({ exitCode: 0, stdout: "", stderr: "no boot hook is installed\n" });
  });

  test("works: what OpenRC would run stops containers and starts them again", async () => {
    const into = join(bocker.directory, "openrc");
    mkdirSync(into);
    await bocker.ok("boot", "install", "--init", "OpenRC", "--into", into);
    await obedient("srv", ["--restart", "always"], 0);
    const script = readFileSync(join(into, "etc/init.d/bocker-boot"), "utf8");
    const call = async (action: string) => {
      const shell = `ebegin() { :; }; eend() { return $1; }\n${script}\n${action}`;
      return Bun.spawn(["/bin/sh", "-c", shell], { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } }).exited;
    };
    expect(await call("stop")).toBe(0);
    expect(await stateOf("srv")).toMatchObject({ Status: "exited", ExitCode: 0 });
    expect(await call("start")).toBe(0);
    expect(await stateOf("srv")).toMatchObject({ Status: "running" });
    await removeAll();
  });

  test("refuses what it does not know", async () => {
    const unknown = await bocker.run("boot", "install", "--init", "upstart");
    expect(unknown.exitCode).toBe(125);
    expect(unknown.stderr).toStartWith(
      'invalid init system "upstart": must be one of systemd, openrc, runit, cron\n',
    );
    const into = join(bocker.directory, "nothing");
    mkdirSync(into);
    const none = await bocker.run("boot", "install", "--into", into);
    expect(none).toMatchObject({ exitCode: 1, stdout: "" });
    expect(none.stderr).toStartWith("Error: cannot tell the init system of this machine\n");
    expect((await bocker.run("boot", "--parallel", "0")).exitCode).toBe(125);
    expect((await bocker.run("boot", "everything")).exitCode).toBe(1);
  });
});

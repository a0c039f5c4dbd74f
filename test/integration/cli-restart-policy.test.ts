/**
 * `--restart` and `update`: what the monitor does when a container ends, and what changes while it runs.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { restVariable } from "../../src/monitor/rest.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

const detached = (name: string, flags: readonly string[], ...command: readonly string[]) =>
  bocker.ok("run", "-d", "--network", "none", "--name", name, ...flags, "busybox", ...command);

/** Looks until `condition` holds, for at most ten seconds. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await condition()) return;
    await Bun.sleep(25);
  }
  throw new Error("it did not happen within 10 s");
}

const look = async (name: string) => {
  const { State, RestartCount } = await bocker.inspect(name);
  return { status: State.Status, exitCode: State.ExitCode, pid: State.Pid, restarts: RestartCount };
};

const isStatus = (name: string, status: string) => async () => (await look(name)).status === status;

/** Kills the container's first process from outside: nobody asked bocker. */
async function killProcess(name: string): Promise<void> {
  process.kill((await look(name)).pid, "SIGKILL");
}

async function monitorOf(name: string): Promise<number> {
  const { pid } = await look(name);
  return Number(/^PPid:\s+(\d+)/m.exec(await Bun.file(`/proc/${pid}/status`).text())?.[1]);
}

async function refusal(...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await bocker.run(...words);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  return stderr.split("\n")[0] ?? "";
}

describe("restart policies", () => {
  test("wait is told of an end that the policy follows up", async () => {
    await detached("always", ["--restart", "always"], "sh", "-c", "exit 4");
    expect(await bocker.ok("wait", "always")).toBe("4");
    expect(["restarting", "running"]).toContain((await look("always")).status);
    await bocker.ok("rm", "-f", "always");
  });

  test("on-failure:2 starts it twice more; a foreground run ends with the first end", async () => {
    const run = await bocker.run(
      "run",
      "--network",
      "none",
      "--restart",
      "on-failure:2",
      "--name",
      "ff",
      "busybox",
      "sh",
      "-c",
      "echo again; exit 3",
    );
    expect(run).toMatchObject({ exitCode: 3, stdout: "again\n" });
    await eventually(isStatus("ff", "exited"));
    expect(await bocker.ok("wait", "ff")).toBe("3");
    expect(await look("ff")).toMatchObject({ status: "exited", exitCode: 3, restarts: 2 });
    expect(await bocker.ok("logs", "ff")).toBe("again\nagain\nagain");
    await bocker.ok("rm", "ff");
  });

  test("on-failure leaves a success alone, and what was killed by hand", async () => {
    await detached("ss", ["--restart", "on-failure"], "true");
    expect(await bocker.ok("wait", "ss")).toBe("0");
    expect(await look("ss")).toMatchObject({ status: "exited", restarts: 0 });
    await detached("kk", ["--restart", "on-failure"], "sleep", "100");
    await bocker.ok("kill", "kk");
    expect(await look("kk")).toMatchObject({ status: "exited", exitCode: 137, restarts: 0 });
    await bocker.ok("rm", "ss", "kk");
  });

  test("always: a process that dies is replaced, with the same monitor, also after that has rested", async () => {
    await detached("aa", ["--restart", "always"], "sleep", "100");
    const monitor = await monitorOf("aa");
    for (const restarts of [1, 2]) {
      // A monitor that rests has executed itself anew, with what it has to know in a descriptor.
      await eventually(async () =>
        (await Bun.file(`/proc/${monitor}/environ`).text()).includes(restVariable),
      );
      const { pid } = await look("aa");
      await killProcess("aa");
      await eventually(
        async () => (await look("aa")).restarts === restarts && (await isStatus("aa", "running")()),
      );
      expect((await look("aa")).pid).not.toBe(pid);
      expect(await monitorOf("aa")).toBe(monitor);
    }
    expect(await bocker.ok("exec", "aa", "echo", "there")).toBe("there");
    await bocker.ok("stop", "-t", "0", "aa");
    expect(await look("aa")).toMatchObject({ status: "exited", exitCode: 137 });
    await bocker.ok("start", "aa");
    expect(await look("aa")).toMatchObject({ status: "running", restarts: 0 });
    await bocker.ok("rm", "-f", "aa");
  });

  test("between two runs: status, refusals, and a stop that does not wait", async () => {
    const id = await detached("bb", ["--restart", "unless-stopped"], "sh", "-c", "exit 4");
    await eventually(async () => (await look("bb")).restarts >= 5);
    await eventually(isStatus("bb", "restarting"));
    expect((await bocker.inspect("bb")).State).toMatchObject({
      Running: true,
      Restarting: true,
      ExitCode: 4,
      Pid: 0,
    });
    expect(await bocker.ok("ps")).toMatch(/Restarting \(4\) (Less than a second|\d+ seconds?) ago/);
    expect(await refusal("exec", "bb", "true")).toBe(
      `Error: Container ${id} is restarting, wait until the container is running`,
    );
    expect(await refusal("attach", "bb")).toBe(
      "Error: You cannot attach to a restarting container, wait until it is running",
    );
    expect(await refusal("rm", "bb")).toBe(
      'Error: cannot remove container "/bb": container is restarting: stop the container before removing or force remove',
    );
    expect(await bocker.ok("stop", "bb")).toBe("bb");
    expect(await look("bb")).toMatchObject({ status: "exited", exitCode: 4 });
    await bocker.ok("start", "bb");
    await eventually(isStatus("bb", "restarting"));
    await bocker.ok("rm", "-f", "bb");
    expect(await bocker.leftovers()).toEqual([]);
  });

  test("a monitor that is killed while it waits leaves the truth", async () => {
    await detached("mm", ["--restart", "always"], "sh", "-c", "sleep 0.3; exit 6");
    const monitor = await monitorOf("mm");
    await eventually(isStatus("mm", "restarting"));
    process.kill(monitor, "SIGKILL");
    await eventually(isStatus("mm", "exited"));
    expect((await look("mm")).exitCode).toBeOneOf([6, 137]);
    await bocker.ok("rm", "mm");
    expect(await bocker.leftovers()).toEqual([]);
  });

  test("inspect, and the refusals", async () => {
    await bocker.ok("create", "--restart", "on-failure:7", "--name", "ii", "busybox");
    expect((await bocker.inspect("ii")).HostConfig.RestartPolicy).toEqual({
      Name: "on-failure",
      MaximumRetryCount: 7,
    });
    await bocker.ok("rm", "ii");
    const both = await bocker.run("run", "--rm", "--restart", "always", "busybox");
    expect(both.exitCode).toBe(125);
    expect(both.stderr).toContain("conflicting options: cannot specify both --restart and --rm");
    const unknown = await bocker.run("run", "--restart", "often", "busybox");
    expect(unknown.exitCode).toBe(125);
    expect(unknown.stderr).toContain("invalid restart policy: unknown policy 'often'");
  });
});

describe("update", () => {
  /** Of the v1 or v2 file that the container's cgroup has. */
  async function limits(name: string): Promise<{ memory: string; pids: string }> {
    const read =
      "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max pids/pids.max pids.max 2>/dev/null";
    const [memory = "", pids = ""] = (await bocker.run("exec", name, "sh", "-c", read)).stdout.split("\n");
    return { memory, pids };
  }

  test("limits change at once, and are there after a restart", async () => {
    await detached("uu", ["-m", "64m"], "sleep", "100");
    expect(await bocker.ok("update", "-m", "96m", "--pids-limit", "40", "--cpus", "0.5", "uu")).toBe("uu");
    const wanted = { memory: String(96 << 20), pids: "40" };
    expect(await limits("uu")).toEqual(wanted);
    expect((await bocker.inspect("uu")).HostConfig).toMatchObject({
      Memory: 96 << 20,
      MemorySwap: 128 << 20,
      PidsLimit: 40,
      NanoCpus: 500_000_000,
    });
    await bocker.ok("restart", "-t", "0", "uu");
    expect(await limits("uu")).toEqual(wanted);
    await bocker.ok("update", "-m", "200m", "--memory-swap", "300m", "uu");
    expect((await limits("uu")).memory).toBe(String(200 << 20));
    await bocker.ok("rm", "-f", "uu");
  });

  test("a stopped container has them at its next start", async () => {
    await bocker.ok("create", "--network", "none", "--name", "later", "busybox", "sleep", "100");
    await bocker.ok("update", "--memory", "48m", "--pids-limit", "30", "later");
    await bocker.ok("start", "later");
    expect(await limits("later")).toEqual({ memory: String(48 << 20), pids: "30" });
    await bocker.ok("rm", "-f", "later");
  });

  test("a restart policy, given and taken away while it runs", async () => {
    await detached("pp", [], "sleep", "100");
    await bocker.ok("update", "--restart", "on-failure:5", "pp");
    await killProcess("pp");
    await eventually(async () => (await look("pp")).restarts === 1 && (await isStatus("pp", "running")()));
    await bocker.ok("update", "--restart", "no", "pp");
    await killProcess("pp");
    await eventually(isStatus("pp", "exited"));
    expect((await bocker.inspect("pp")).HostConfig.RestartPolicy.Name).toBe("no");
    await bocker.ok("rm", "pp");
  });

  test("docker's refusals leave everything as it was", async () => {
    const id = await detached("rr", ["-m", "64m", "--cpus", "1", "--rm"], "sleep", "100");
    const cannot = `Error: Cannot update container ${id}: `;
    expect(await refusal("update", "rr")).toBe(
      "Error: you must provide one or more flags when using this command",
    );
    expect(await refusal("update", "-m", "4m", "rr")).toBe("Error: Minimum memory limit allowed is 6MB");
    expect(await refusal("update", "-m", "1g", "rr")).toBe(
      `${cannot}Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time`,
    );
    expect(await refusal("update", "--cpu-quota", "5000", "rr")).toBe(
      `${cannot}Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set`,
    );
    expect(await refusal("update", "--restart", "always", "rr")).toBe(
      `${cannot}Restart policy cannot be updated because AutoRemove is enabled for the container`,
    );
    expect(await refusal("update", "--restart", "often", "rr")).toContain("unknown policy 'often'");
    expect(await refusal("update", "--cpus", "1", "absent")).toBe("Error: No such container: absent");
    expect(await refusal("update", "--cpuset-cpus", "900", "rr")).toContain(
      "Requested CPUs are not available",
    );
    expect((await limits("rr")).memory).toBe(String(64 << 20));
    await bocker.ok("rm", "-f", "rr");
  });
});

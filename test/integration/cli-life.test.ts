/**
 * A container's life from the outside: -d, ps, logs, stop, kill, start, rm, inspect, and ids by prefix.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

/** `run -d --network none FLAGS busybox COMMAND`; returns the id. */
const detached = (flags: readonly string[], ...command: readonly string[]) =>
  bocker.ok("run", "-d", "--network", "none", ...flags, "busybox", ...command);

/** Looks until `condition` holds, for at most twenty seconds. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await condition()) return;
    await Bun.sleep(50);
  }
  throw new Error("it did not happen within 20 s");
}

describe("run -d", () => {
  test("prints the full id; the container outlives the CLI", async () => {
    const id = await detached(["--name", "solo"], "sleep", "100");
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    const { State } = await bocker.inspect("solo");
    expect(State).toMatchObject({ Status: "running", Running: true, Paused: false, ExitCode: 0 });
    expect(State.Pid).toBeGreaterThan(1);
    await bocker.ok("rm", "-f", "solo");
  });

  test("a start that fails: 127, and the container says why", async () => {
    const { exitCode, stderr } = await bocker.run(
      "run",
      "-d",
      "--network",
      "none",
      "--name",
      "bad",
      "busybox",
      "nope",
    );
    expect(exitCode).toBe(127);
    expect(stderr).toContain('"nope": executable file not found');
    const { State } = await bocker.inspect("bad");
    expect(State).toMatchObject({ Status: "created", ExitCode: 127 });
    expect(State.Error).toContain("nope");
    await bocker.ok("rm", "bad");
  });

  test("rm -f of a --rm container works, whoever is quicker to remove it", async () => {
    for (let round = 0; round < 10; round++) {
      const id = await detached(["--rm"], "sleep", "100");
      const both = await Promise.all([bocker.run("rm", "-f", id), bocker.run("rm", "-f", id)]);
      expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    }
    expect(await bocker.ok("ps", "-aq")).toBe("");
  });

  test("--rm removes it after it has exited by itself", async () => {
    const id = await detached(["--rm"], "true");
    await eventually(async () => !(await bocker.ok("ps", "-aq", "--no-trunc")).includes(id));
  });
});

describe("ps", () => {
  test("columns are docker's", async () => {
    await detached(["--name", "columns"], "sleep", "100");
    const [head = "", row = ""] = (await bocker.ok("ps")).split("\n");
    expect(head).toMatch(/^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$/);
    expect(row).toMatch(
      /^[0-9a-f]{12} +busybox +"sleep 100" +(Less than a second|\d+ seconds?|About a minute) ago +Up .* columns$/,
    );
    await bocker.ok("rm", "-f", "columns");
  });

  test("-a shows the exited, -q ids only, --no-trunc whole", async () => {
    const id = await detached(["--name", "over"], "sh", "-c", "exit 3");
    await eventually(async () => (await bocker.inspect("over")).State.Status === "exited");
    expect(await bocker.ok("ps", "-q")).toBe("");
    expect(await bocker.ok("ps", "-aq")).toBe(id.slice(0, 12));
    expect(await bocker.ok("ps", "-aq", "--no-trunc")).toBe(id);
    expect(await bocker.ok("ps", "-a")).toMatch(/Exited \(3\) .* ago/);
    await bocker.ok("rm", "over");
  });

  test("newest first", async () => {
    for (const name of ["one", "two", "three"]) await bocker.ok("create", "--name", name, "busybox");
    expect(await bocker.ok("ps", "-a", "--format", "{{.Names}}")).toBe("three\ntwo\none");
    await bocker.ok("rm", "one", "two", "three");
  });
});

describe("logs", () => {
  test("both streams, kept apart, and --tail", async () => {
    await detached(["--name", "talk"], "sh", "-c", "for i in 1 2 3; do echo out$i; echo err$i >&2; done");
    await eventually(async () => (await bocker.inspect("talk")).State.Status === "exited");
    const { stdout, stderr } = await bocker.run("logs", "talk");
    expect({ stdout, stderr }).toEqual({ stdout: "out1\nout2\nout3\n", stderr: "err1\nerr2\nerr3\n" });
    const tail = await bocker.run("logs", "--tail", "2", "talk");
    expect(tail.stdout.split("\n").length + tail.stderr.split("\n").length - 2).toBe(2);
    expect((await bocker.run("logs", "--tail", "0", "talk")).stdout).toBe("");
    await bocker.ok("rm", "talk");
  });

  test("-f follows until the end", async () => {
    await detached(["--name", "tick"], "sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done");
    expect((await bocker.run("logs", "-f", "tick")).stdout).toBe("1\n2\n3\n4\n5\n");
    await bocker.ok("rm", "-f", "tick");
  });

  test("a line without an end, and a line of a megabyte", async () => {
    await detached(
      ["--name", "lines"],
      "sh",
      "-c",
      "head -c 1000000 /dev/zero | tr '\\0' x; echo; printf tail",
    );
    await eventually(async () => (await bocker.inspect("lines")).State.Status === "exited");
    expect((await bocker.run("logs", "lines")).stdout).toBe(`${"x".repeat(1_000_000)}\ntail`);
    await bocker.ok("rm", "lines");
  });
});

describe("stop, kill, start", () => {
  test("stop: SIGTERM first; the name is printed; 143", async () => {
    await detached(["--name", "polite", "--init"], "sleep", "100");
    expect(await bocker.ok("stop", "polite")).toBe("polite");
    expect((await bocker.inspect("polite")).State).toMatchObject({ Status: "exited", ExitCode: 143 });
    await bocker.ok("rm", "polite");
  });

  test("stop: SIGKILL after the time is over; 137", async () => {
    await detached(["--name", "deaf"], "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done");
    const started = Date.now();
    await bocker.ok("stop", "-t", "1", "deaf");
    expect(Date.now() - started).toBeWithin(900, 4000);
    expect((await bocker.inspect("deaf")).State.ExitCode).toBe(137);
    await bocker.ok("rm", "deaf");
  });

  test("stopping what is stopped is fine", async () => {
    await bocker.ok("create", "--name", "still", "busybox");
    expect(await bocker.ok("stop", "still")).toBe("still");
    await bocker.ok("rm", "still");
  });

  test("kill -s, by name and number", async () => {
    await detached(
      ["--name", "traps"],
      "sh",
      "-c",
      "trap 'echo usr' USR1; echo on; while :; do sleep 0.05; done",
    );
    await eventually(async () => (await bocker.run("logs", "traps")).stdout.includes("on"));
    for (const signal of ["USR1", "SIGUSR1", "10"]) {
      await bocker.ok("kill", "-s", signal, "traps");
      await Bun.sleep(150);
    }
    expect((await bocker.run("logs", "traps")).stdout).toBe("on\nusr\nusr\nusr\n");
    await bocker.ok("kill", "traps");
    expect((await bocker.run("kill", "traps")).stderr).toMatch(/is not running/);
    await bocker.ok("rm", "traps");
  });

  test("start runs it again with its writable layer as it was", async () => {
    await bocker.run(
      "run",
      "--network",
      "none",
      "--name",
      "again",
      "busybox",
      "sh",
      "-c",
      "echo x >> /count; wc -l < /count; exit 7",
    );
    expect(await bocker.ok("start", "again")).toBe("again");
    await eventually(async () => (await bocker.inspect("again")).State.Status === "exited");
    expect((await bocker.inspect("again")).State.ExitCode).toBe(7);
    const attached = await bocker.run("start", "-a", "again");
    expect({ out: attached.stdout.trim(), code: attached.exitCode }).toEqual({ out: "3", code: 7 });
    expect((await bocker.run("logs", "again")).stdout.replaceAll(/\s+/g, " ")).toBe("1 2 3 ");
    await bocker.ok("rm", "again");
  });
});

describe("rm", () => {
  test("a running one is refused, -f takes it", async () => {
    await detached(["--name", "busy"], "sleep", "100");
    const { exitCode, stderr } = await bocker.run("rm", "busy");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/cannot remove container "\/?busy": container is running/);
    expect(await bocker.ok("rm", "-f", "busy")).toBe("busy");
    expect(await bocker.leftovers()).toEqual([]);
  });

  test("the rest is removed although one is not there", async () => {
    await bocker.ok("create", "--name", "here", "busybox");
    const { exitCode, stdout, stderr } = await bocker.run("rm", "absent", "here");
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "here\n" });
    expect(stderr).toContain("No such container: absent");
  });
});

describe("names", () => {
  test("any unique prefix of the id, the whole id, or the name", async () => {
    const id = await bocker.ok("create", "--name", "findme", "busybox");
    for (const word of [id, id.slice(0, 12), id.slice(0, 5), "findme"]) {
      expect((await bocker.inspect(word)).Id).toBe(id);
    }
    await bocker.ok("rm", id.slice(0, 12));
  });

  test.each(["inspect", "start", "stop", "kill", "rm", "logs"])(
    "%s of what is not there",
    async (command) => {
      const { exitCode, stderr } = await bocker.run(command, "absent");
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(
        command === "inspect" ? /No such (object|container): absent/ : /No such container: absent/,
      );
    },
  );

  test("a made-up name is two words", async () => {
    const id = await bocker.ok("create", "busybox");
    expect((await bocker.inspect(id)).Name).toMatch(/^\/[a-z]+_[a-z]+\d?$/);
    await bocker.ok("rm", id);
  });
});

describe("inspect", () => {
  test("the paths that scripts read", async () => {
    await detached(["--name", "seen", "-e", "A=1", "-w", "/tmp", "-m", "64m", "-l", "k=v"], "sleep", "100");
    const seen = await bocker.inspect("seen");
    expect(seen).toMatchObject({
      Name: "/seen",
      Path: "sleep",
      Args: ["100"],
      RestartCount: 0,
      Config: { Image: "busybox", WorkingDir: "/tmp", Labels: { k: "v" }, Tty: false },
      HostConfig: { Memory: 64 * 1024 * 1024, NetworkMode: "none" },
      State: { Status: "running" },
    });
    expect(seen.Config.Env).toContain("A=1");
    expect(seen.Id).toMatch(/^[0-9a-f]{64}$/);
    expect(seen.Image).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(Date.parse(seen.Created)).toBeWithin(Date.now() - 60_000, Date.now() + 1000);
    expect(await bocker.ok("inspect", "-f", '{{.State.Status}} {{index .Config.Labels "k"}}', "seen")).toBe(
      "running v",
    );
    await bocker.ok("rm", "-f", "seen");
  });
});

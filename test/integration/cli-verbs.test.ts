/**
 * The verbs of a container's life beside run and stop: wait, restart, pause, rename, attach, port, top.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

/** A container that says `ready` and ends with the code of the signal that it gets. */
const politely = "trap 'exit 7' TERM; trap 'echo usr' USR1; echo ready; while :; do sleep 0.02; done";

async function detached(name: string, flags: readonly string[] = [], script = politely): Promise<string> {
  const id = await bocker.ok(
    "run",
    "-d",
    "--network",
    "none",
    "--name",
    name,
    ...flags,
    "busybox",
    "sh",
    "-c",
    script,
  );
  if (script === politely) await eventually(async () => (await bocker.ok("logs", name)).includes("ready"));
  return id;
}

/** Looks until `condition` holds, for at most ten seconds. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await condition()) return;
    await Bun.sleep(25);
  }
  throw new Error("it did not happen within 10 s");
}

/** Beside its standard streams: it has found the container, and its monitor. */
function hasSocket(pid: number): boolean {
  const fds = readdirSync(`/proc/${pid}/fd`).filter((fd) => Number(fd) > 2);
  return fds.some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  });
}

async function refusal(...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await bocker.run(...words);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  return stderr.split("\n")[0] ?? "";
}

const stateOf = async (name: string) => (await bocker.inspect(name)).State;

describe("wait", () => {
  test("prints the exit codes in the order of the names; a missing one is an error at the end", async () => {
    await detached("w1", [], "exit 3");
    await detached("w2");
    const waiting = bocker.run("wait", "w2", "absent", "w1");
    await bocker.ok("stop", "w2");
    const { stdout, stderr, exitCode } = await waiting;
    expect({ stdout, exitCode }).toEqual({ stdout: "7\n3\n", exitCode: 1 });
    expect(stderr).toContain("No such container: absent");
    await bocker.ok("rm", "w1", "w2");
  });

  test("a created container does not run", async () => {
    await bocker.ok("create", "--name", "w3", "busybox");
    expect(await bocker.ok("wait", "w3")).toBe("0");
    await bocker.ok("rm", "w3");
  });

  test("--condition next-exit waits for a start first, removed for the removal", async () => {
    await bocker.ok("create", "--network", "none", "--rm", "--name", "w4", "busybox", "sh", "-c", politely);
    const waiting = ["next-exit", "removed"].map((each) => bocker.spawn(["wait", "--condition", each, "w4"]));
    await bocker.ok("start", "w4");
    await eventually(async () => waiting.every(({ pid }) => hasSocket(pid)));
    await eventually(async () => (await bocker.ok("logs", "w4")).includes("ready"));
    await bocker.ok("kill", "-s", "TERM", "w4");
    for (const { stdout, exited } of waiting) {
      expect(await new Response(stdout).text()).toBe("7\n");
      expect(await exited).toBe(0);
    }
    expect(await bocker.ok("ps", "-aq")).toBe("");
  });

  test("--condition with anything else", async () => {
    const { exitCode, stderr } = await bocker.run("wait", "--condition", "bored", "x");
    expect({ exitCode, first: stderr.split("\n")[0] }).toEqual({
      exitCode: 125,
      first: 'invalid argument "bored" for "--condition" flag: invalid condition: "bored"',
    });
  });
});

describe("restart", () => {
  test("a running one gets another process, a stopped one is started", async () => {
    await detached("r1");
    const before = (await stateOf("r1")).Pid;
    expect(await bocker.ok("restart", "-t", "5", "r1")).toBe("r1");
    const after = await stateOf("r1");
    expect(after.Running).toBe(true);
    expect(after.Pid).not.toBe(before);
    await bocker.ok("kill", "r1");
    await bocker.ok("restart", "r1");
    expect((await stateOf("r1")).Status).toBe("running");
    await bocker.ok("rm", "-f", "r1");
  });

  test("-s names the signal; a bad one changes nothing", async () => {
    await detached("r2");
    expect(await refusal("restart", "-s", "NOPE", "r2")).toBe("Error: invalid signal: NOPE");
    expect((await stateOf("r2")).Status).toBe("running");
    await bocker.ok("restart", "-s", "KILL", "r2");
    expect((await stateOf("r2")).Status).toBe("running");
    await bocker.ok("rm", "-f", "r2");
  });

  test("a --rm container is not removed in between", async () => {
    const id = await detached("r3", ["--rm"]);
    await bocker.ok("restart", "r3");
    expect(await bocker.inspect("r3")).toMatchObject({ Id: id, State: { Status: "running" } });
    await bocker.ok("stop", "-t", "5", "r3");
    await eventually(async () => (await bocker.ok("ps", "-aq")) === "");
  });
});

describe("stop", () => {
  test("says what was deaf to it, and what helps", async () => {
    await detached("deaf", [], "exec sleep 100");
    const { stdout, stderr } = await bocker.run("stop", "-t", "1", "deaf");
    expect(stdout).toBe("deaf\n");
    expect(stderr).toBe(
      'WARNING: container "deaf" was killed after 1 second: its process 1 (sh) has no handler for SIGTERM, ' +
        "and process 1 gets no signal without one; run it with --init\n",
    );
    await bocker.ok("rm", "deaf");
  });

  test("says nothing of one that heard it and took its time, nor of one with --init", async () => {
    await detached("slow", [], "trap 'echo heard' TERM; echo ready; while :; do sleep 0.02; done");
    await eventually(async () => (await bocker.ok("logs", "slow")).includes("ready"));
    expect((await bocker.run("stop", "-t", "1", "slow")).stderr).toBe("");
    await detached("init", ["--init"], "exec sleep 100");
    const started = performance.now();
    expect((await bocker.run("stop", "init")).stderr).toBe("");
    expect(performance.now() - started).toBeLessThan(8000);
    await bocker.ok("rm", "slow", "init");
  });
});

describe("pause", () => {
  test("nothing moves until unpause; ps and inspect say so", async () => {
    await detached("p1", [], "echo $$; i=0; while :; do i=$((i+1)); echo $i > /dev/shm/i; sleep 0.01; done");
    expect(await bocker.ok("pause", "p1")).toBe("p1");
    expect(await stateOf("p1")).toMatchObject({ Status: "paused", Running: true, Paused: true });
    expect(await bocker.ok("ps")).toMatch(/Up .* \(Paused\)/);
    const pid = (await stateOf("p1")).Pid;
    const count = () => Bun.file(`/proc/${pid}/root/dev/shm/i`).text();
    const frozen = await count();
    await Bun.sleep(100);
    expect(await count()).toBe(frozen);
    expect(await bocker.ok("unpause", "p1")).toBe("p1");
    await eventually(async () => (await count()) !== frozen);
    expect((await stateOf("p1")).Status).toBe("running");
    await bocker.ok("rm", "-f", "p1");
  });

  test("docker's refusals", async () => {
    const id = await detached("p2");
    expect(await refusal("unpause", "p2")).toBe(`Error: Container ${id} is not paused`);
    await bocker.ok("pause", "p2");
    expect(await refusal("pause", "p2")).toBe(`Error: Container ${id} is already paused`);
    expect(await refusal("exec", "p2", "true")).toBe(
      "Error: Container p2 is paused, unpause the container before exec",
    );
    expect(await refusal("attach", "p2")).toBe(
      "Error: You cannot attach to a paused container, unpause it first",
    );
    expect(await refusal("start", "p2")).toBe("Error: cannot start a paused container, try unpause instead");
    expect(await refusal("rm", "p2")).toBe(
      'Error: cannot remove container "/p2": container is paused: unpause and then stop the container before removing or force remove',
    );
    await bocker.ok("rm", "-f", "p2");
    await bocker.ok("create", "--name", "p3", "busybox");
    expect(await refusal("pause", "p3")).toMatch(/^Error: container [0-9a-f]{64} is not running$/);
    await bocker.ok("rm", "p3");
  });

  test("stop and kill let a paused container go, so that it ends as it would have", async () => {
    await detached("p4");
    await bocker.ok("pause", "p4");
    await bocker.ok("stop", "-t", "20", "p4");
    expect(await stateOf("p4")).toMatchObject({ Status: "exited", ExitCode: 7 });
    await bocker.ok("start", "p4");
    await bocker.ok("pause", "p4");
    await bocker.ok("kill", "p4");
    expect(await stateOf("p4")).toMatchObject({ Status: "exited", ExitCode: 137 });
    await bocker.ok("rm", "p4");
  });

  test("a monitor that is killed takes a paused container along", async () => {
    await detached("p5");
    await bocker.ok("pause", "p5");
    const { Pid } = await stateOf("p5");
    const parent = Number(/^PPid:\s+(\d+)/m.exec(await Bun.file(`/proc/${Pid}/status`).text())?.[1]);
    process.kill(parent, "SIGKILL");
    await eventually(async () => (await stateOf("p5")).Status === "exited");
    await bocker.ok("rm", "p5");
    expect(await bocker.leftovers()).toEqual([]);
  });
});

describe("rename", () => {
  test("running or not, by name and id, with a slash or without", async () => {
    const id = await detached("n1");
    expect(await bocker.ok("rename", "n1", "n2")).toBe("");
    expect((await bocker.inspect("n2")).Name).toBe("/n2");
    await bocker.ok("rename", id.slice(0, 12), "/n3");
    expect((await bocker.inspect(id)).Name).toBe("/n3");
    expect(await bocker.ok("inspect", "--format", "toml", "n3")).toContain('name = "n3"');
    expect(await refusal("inspect", "n1").catch(() => "gone")).toBe("gone");
    await bocker.ok("rm", "-f", "n3");
  });

  test("docker's refusals", async () => {
    const id = await bocker.ok("create", "--name", "taken", "busybox");
    await bocker.ok("create", "--name", "other", "busybox");
    expect(await refusal("rename", "other", "taken")).toBe(
      `Error: Error when allocating new name: Conflict. The container name "/taken" is already in use by container "${id}". ` +
        "You have to remove (or rename) that container to be able to reuse that name.",
    );
    expect(await refusal("rename", "other", "other")).toBe(
      "Error: Renaming a container with the same name as its current name",
    );
    expect(await refusal("rename", "other", "no way")).toBe(
      "Error: Error when allocating new name: Invalid container name (no way), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
    );
    for (const [words, cause] of [
      [["other", ""], "new name cannot be blank"],
      [[" ", "other"], "invalid container name or ID: value is empty"],
    ] as const) {
      const { exitCode, stderr } = await bocker.run("rename", ...words);
      expect(exitCode).toBe(1);
      expect(stderr).toBe(`Error: Neither old nor new names may be empty\n  caused by: ${cause}\n`);
    }
    expect(await refusal("rename", "absent", "x1")).toBe("Error: No such container: absent");
    await bocker.ok("rm", "taken", "other");
  });
});

/** Says something all the time, so that a client knows when it is attached. */
const ticking = "trap 'exit 7' TERM; while :; do echo tick; sleep 0.02; done";

/** Starts `attach` and waits for its first output; `rest` is all of it. */
async function attachTo(...words: string[]) {
  const client = bocker.spawn(["attach", ...words]);
  const reader = client.stdout.getReader();
  const { value } = await reader.read();
  const rest = (async () => {
    let text = new TextDecoder().decode(value);
    for (;;) {
      const { done, value: chunk } = await reader.read();
      if (done) return text;
      text += new TextDecoder().decode(chunk);
    }
  })();
  return { client, rest };
}

describe("attach", () => {
  test("several at once see the output; the exit code is the container's", async () => {
    await detached("a1", [], ticking);
    const clients = await Promise.all([attachTo("a1"), attachTo("--no-stdin", "a1")]);
    await bocker.ok("stop", "-t", "20", "a1");
    expect(await Promise.all(clients.map(({ client }) => client.exited))).toEqual([7, 7]);
    for (const { rest } of clients) expect(await rest).toMatch(/^(tick\n)+$/);
    await bocker.ok("rm", "a1");
  });

  test("signals go to the container, unless --sig-proxy=false", async () => {
    await detached("a2", [], ticking);
    const deaf = await attachTo("--sig-proxy=false", "a2");
    deaf.client.kill("SIGTERM");
    await deaf.client.exited;
    expect((await stateOf("a2")).Running).toBe(true);
    const { client } = await attachTo("a2");
    client.kill("SIGTERM");
    expect(await client.exited).toBe(7);
    await bocker.ok("rm", "a2");
  });

  test("a terminal: the prompt is drawn anew, and the detach keys leave it running", async () => {
    await bocker.ok("run", "-dit", "--network", "none", "--name", "a3", "busybox", "sh");
    await using session = bocker.terminal("attach", "--detach-keys", "ctrl-x,q", "a3");
    session.type("echo $((20+22))\r");
    await session.waitFor("42");
    session.type("\x18q");
    expect(await session.exited).toBe(0);
    expect((await stateOf("a3")).Running).toBe(true);
    await bocker.ok("rm", "-f", "a3");
  });

  test("a stopped container is refused", async () => {
    await bocker.ok("create", "--name", "a4", "busybox");
    expect(await refusal("attach", "a4")).toBe(
      "Error: You cannot attach to a stopped container, start it first",
    );
    await bocker.ok("rm", "a4");
  });
});

describe("port", () => {
  test("all of them, or one", async () => {
    await bocker.ok(
      "run",
      "-d",
      "--name",
      "o1",
      "-p",
      "127.0.0.1::80",
      "-p",
      "127.0.0.1::53/udp",
      "busybox",
      "sleep",
      "100",
    );
    const ports = (await bocker.inspect("o1")).NetworkSettings.Ports;
    const web = `127.0.0.1:${ports["80/tcp"][0].HostPort}`;
    const dns = `127.0.0.1:${ports["53/udp"][0].HostPort}`;
    expect(await bocker.ok("port", "o1")).toBe(`53/udp -> ${dns}\n80/tcp -> ${web}`);
    expect(await bocker.ok("port", "o1", "80")).toBe(web);
    expect(await bocker.ok("port", "o1", "53/udp")).toBe(dns);
    expect(await refusal("port", "o1", "53")).toBe("Error: No public port '53' published for o1");
    expect(await refusal("port", "o1", "http")).toBe("Error: invalid port 'http'");
    await bocker.ok("rm", "-f", "o1");
  });
});

describe("top", () => {
  test("the container's processes by host pid, and no others", async () => {
    await detached("t1", [], "sleep 100 & exec sleep 200");
    const pid = String((await stateOf("t1")).Pid);
    await eventually(async () => (await bocker.ok("top", "t1")).split("\n").length === 3);
    const [head = "", first = "", second = ""] = (await bocker.ok("top", "t1")).split("\n");
    expect(head.split(/\s+/)).toEqual(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
    expect(first.split(/\s+/)[1]).toBe(pid);
    expect([first, second].map((line) => line.split(/\s+/).slice(7).join(" "))).toEqual([
      "sleep 200",
      "sleep 100",
    ]);
    const other = (await bocker.ok("top", "t1", "-o", "pid,args")).split("\n").map((line) => line.trim());
    expect(other[0]).toMatch(/^PID +COMMAND$/);
    expect(other.length).toBe(3);
    expect(await refusal("top", "t1", "-o", "args")).toBe("Error: Couldn't find PID field in ps output");
    await bocker.ok("rm", "-f", "t1");
  });

  test("one that does not run", async () => {
    await bocker.ok("create", "--name", "t3", "busybox");
    expect(await refusal("top", "t3")).toMatch(/^Error: container [0-9a-f]{64} is not running$/);
    await bocker.ok("rm", "t3");
  });
});

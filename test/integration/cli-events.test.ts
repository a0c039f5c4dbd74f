/**
 * What `events` tells of all that can happen to containers and volumes, with docker's words, order and attributes.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

interface Told {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

let seen = 0;

/** What was told since the last call. */
async function told(): Promise<readonly Told[]> {
  const text = await bocker.ok("events", "--since", "0", "--until", "0s", "--format", "json");
  const events = text.split("\n").map((line) => JSON.parse(line) as Told);
  const fresh = events.slice(seen);
  seen = events.length;
  return fresh;
}

const actions = async () => (await told()).map(({ Type, Action }) => `${Type} ${Action}`);
const base = ["--network", "none"];

describe("a container", () => {
  test("in the foreground: create, attach, start, die with its duration, destroy", async () => {
    await bocker.run(
      "run",
      "--rm",
      ...base,
      "--name",
      "fg",
      "--label",
      "team=a",
      "busybox",
      "sh",
      "-c",
      "exit 3",
    );
    const events = await told();
    expect(events.map(({ Action }) => Action)).toEqual(["create", "attach", "start", "die", "destroy"]);
    expect(events[3]?.Actor.Attributes).toEqual({
      execDuration: expect.stringMatching(/^\d+$/),
      exitCode: "3",
      image: "busybox",
      name: "fg",
      team: "a",
    });
  });

  test("in the background, looked at and changed in every way", async () => {
    await bocker.ok("run", "-d", ...base, "--name", "bg", "busybox", "sleep", "100");
    expect(await actions()).toEqual(["container create", "container start"]);
    await bocker.ok("top", "bg");
    await bocker.ok("update", "--restart", "on-failure:2", "bg");
    await bocker.ok("rename", "bg", "bg2");
    await bocker.ok("pause", "bg2");
    await bocker.ok("unpause", "bg2");
    await bocker.ok("cp", "bg2:/etc/passwd", join(bocker.directory, "passwd"));
    await bocker.ok("cp", join(bocker.directory, "passwd"), "bg2:/tmp");
    await bocker.ok("export", "-o", join(bocker.directory, "bg.tar"), "bg2");
    await bocker.ok("commit", "-m", "why", "bg2", "made:1");
    const events = await told();
    const expected = [
      "top",
      "update",
      "rename",
      "pause",
      "unpause",
      "archive-path",
      "extract-to-dir",
      "export",
    ];
    // A commit pauses what runs.
    expected.push("pause", "unpause", "commit");
    expect(events.flatMap(({ Type, Action }) => (Type === "container" ? [Action] : []))).toEqual(expected);
    expect(events.find(({ Action }) => Action === "commit")?.Actor.Attributes).toMatchObject({
      comment: "why",
      imageRef: "made:1",
      imageID: expect.stringMatching(/^sha256:/),
    });
    await bocker.ok("rm", "-f", "bg2");
    expect((await actions()).slice(-2)).toEqual(["container die", "container destroy"]);
  });

  test("that runs out of memory: oom before die", async () => {
    const script = "x=a; while :; do x=$x$x; done";
    await bocker.run(
      "run",
      ...base,
      "--name",
      "fat",
      "-m",
      "16m",
      "--memory-swap",
      "16m",
      "busybox",
      "sh",
      "-c",
      script,
    );
    const { OOMKilled } = (await bocker.inspect("fat")).State;
    const words = await actions();
    expect(words.slice(2)).toEqual([
      "container start",
      ...(OOMKilled ? ["container oom"] : []),
      "container die",
    ]);
    expect(OOMKilled).toBe(true);
    await bocker.ok("rm", "fat");
  });

  test("with a terminal: resize with its size, and detach when its user leaves", async () => {
    const session = bocker.terminal("run", "-it", ...base, "--name", "tty", "busybox", "sh");
    await session.waitFor("# ");
    session.resize(100, 30);
    for (let tries = 0; ; tries++) {
      const resized = (
        await bocker.ok("events", "--since", "0", "--until", "0s", "-f", "event=resize")
      ).split("\n");
      if (resized.some((line) => line.includes("height=30, image=busybox, name=tty, width=100"))) break;
      if (tries > 200) throw new Error("nobody told of the new size");
      await Bun.sleep(25);
    }
    session.type("\x10\x11");
    expect(await session.exited).toBe(0);
    expect((await actions()).at(-1)).toBe("container detach");
    const attached = bocker.terminal("attach", "tty");
    await attached.waitFor("# ");
    attached.type("\x10\x11");
    expect(await attached.exited).toBe(0);
    const again = await actions();
    expect([again[0], again.at(-1)]).toEqual(["container attach", "container detach"]);
    await bocker.ok("rm", "-f", "tty");
    await told();
  });

  test("an exec whose user leaves: exec_detach", async () => {
    await bocker.ok("run", "-d", ...base, "--name", "ex", "busybox", "sleep", "100");
    const session = bocker.terminal("exec", "-it", "ex", "sh");
    await session.waitFor("# ");
    session.type("\x10\x11");
    expect(await session.exited).toBe(0);
    expect((await actions()).slice(2)).toEqual([
      "container exec_create: sh",
      "container exec_start: sh",
      "container exec_detach",
    ]);
    await bocker.ok("rm", "-f", "ex");
    await told();
  });

  test("whose health changes: health_status with docker's attributes, found by its first word", async () => {
    const check = ["--health-cmd", "true", "--health-interval", "50ms"];
    await bocker.ok(
      "run",
      "-d",
      ...base,
      "--name",
      "hl",
      "--label",
      "team=b",
      ...check,
      "busybox",
      "sleep",
      "100",
    );
    await bocker.ok("wait", "--condition", "healthy", "hl").catch(() => undefined);
    const list = () =>
      bocker.ok("events", "--since", "0", "--until", "0s", "-f", "event=health_status", "--format", "json");
    let text = await list();
    for (let tries = 0; text === "" && tries < 200; tries++) {
      await Bun.sleep(25);
      text = await list();
    }
    expect(JSON.parse(text)).toMatchObject({
      Action: "health_status: healthy",
      Actor: { Attributes: { image: "busybox", name: "hl", team: "b" } },
    });
    await bocker.ok("rm", "-f", "hl");
    await told();
  });
});

describe("a volume", () => {
  test("is mounted before the start and unmounted after the end, also when the start fails", async () => {
    await bocker.ok("volume", "create", "data");
    await told();
    const id = await bocker.ok(
      "create",
      ...base,
      "--name",
      "vol",
      "-v",
      "data:/d:ro",
      "-v",
      "/anon",
      "busybox",
      "true",
    );
    await bocker.ok("start", "-a", "vol");
    const events = (await told()).filter(({ Action }) => !["create", "attach"].includes(Action));
    const words = events.map(({ Type, Action }) => `${Type} ${Action}`);
    expect(words).toEqual([
      "volume mount",
      "volume mount",
      "container start",
      "container die",
      "volume unmount",
      "volume unmount",
    ]);
    const attributesOf = (action: string, id: string) =>
      events.find(({ Action, Actor }) => Action === action && (Actor.ID === "data") === (id === "data"))
        ?.Actor.Attributes;
    expect(attributesOf("mount", "data")).toEqual({
      container: id,
      destination: "/d",
      driver: "local",
      propagation: "",
      "read/write": "false",
    });
    expect(attributesOf("mount", "another")).toMatchObject({ destination: "/anon", "read/write": "true" });
    expect(attributesOf("unmount", "data")).toEqual({ container: id, driver: "local" });
    await bocker.ok("rm", "vol");
    await bocker.run("run", ...base, "--name", "bad", "-v", "data:/d", "busybox", "nonexistent");
    expect((await actions()).filter((word) => word.startsWith("volume "))).toEqual([
      "volume mount",
      "volume unmount",
    ]);
    await bocker.ok("rm", "bad");
  });

  test("is unmounted once when its container's monitor is killed, by whoever finds out", async () => {
    await bocker.ok("run", "-d", ...base, "--name", "orphan", "-v", "data:/d", "busybox", "sleep", "100");
    const { Pid } = (await bocker.inspect("orphan")).State;
    const status = await Bun.file(`/proc/${Pid}/status`).text();
    await told();
    process.kill(Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]), "SIGKILL");
    for (let tries = 0; tries < 400 && (await bocker.inspect("orphan")).State.Running; tries++)
      await Bun.sleep(25);
    await bocker.ok("ps", "-a");
    expect(await actions()).toEqual(["container die", "volume unmount"]);
    await bocker.ok("rm", "orphan");
    await told();
  });
});

test("a prune of each kind says what it gave back", async () => {
  await bocker.ok("container", "prune", "-f");
  await bocker.ok("volume", "prune", "-f", "-a");
  await bocker.ok("image", "prune", "-f");
  const prunes = (await told()).filter(({ Action }) => Action === "prune");
  expect(prunes.map(({ Type, Actor }) => [Type, Actor.ID, Object.keys(Actor.Attributes)])).toEqual([
    ["container", "", ["reclaimed"]],
    ["volume", "", ["reclaimed"]],
    ["image", "", ["reclaimed"]],
  ]);
});

test("filters of kinds that are not here let nothing through; others are refused", async () => {
  expect(await bocker.ok("events", "--since", "0", "--until", "0s", "-f", "node=xyz")).toBe("");
  const { exitCode, stderr } = await bocker.run("events", "-f", "colour=red", "--until", "0s");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("colour");
});

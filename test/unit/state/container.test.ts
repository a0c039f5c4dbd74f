import { describe, expect, test } from "bun:test";
import { completeConfig } from "../../../src/state/config-column.ts";
import {
  containersUsing,
  findContainer,
  getContainer,
  listContainers,
  removeContainer,
  renameContainer,
  setContainerConfig,
} from "../../../src/state/container.ts";
import {
  markExited,
  markRunning,
  markStartFailed,
  markStarting,
  needsSettling,
  setStatus,
} from "../../../src/state/container-life.ts";
import type { State } from "../../../src/state/state.ts";
import { addContainer, deadProcess, liveProcess, stateFixture } from "./state-fixture.ts";

const hex = (start: string) => start.padEnd(64, "0");

function record(state: State, id: string) {
  const found = getContainer(state, id);
  if (found === undefined) throw new Error("gone");
  return found;
}

describe("insert and find", () => {
  test("a record comes back as it went in", () => {
    using fixture = stateFixture();
    const config = completeConfig({ image: "x", env: ["A=ü\n'\""], labels: { a: "b" }, stopTimeout: 3 });
    const made = addContainer(fixture.state, { name: "web", config, args: ["sh", "-c", ""] });
    expect(findContainer(fixture.state, "web")).toEqual(made);
  });

  test("a taken name is docker's conflict", () => {
    using fixture = stateFixture();
    const { id } = addContainer(fixture.state, { name: "web" });
    const phrase =
      `Conflict. The container name "/web" is already in use by container "${id}". ` +
      "You have to remove (or rename) that container to be able to reuse that name.";
    expect(() => addContainer(fixture.state, { name: "web" })).toThrow(phrase);
    const { id: other } = addContainer(fixture.state, { name: "other" });
    expect(() => renameContainer(fixture.state, other, "web")).toThrow(phrase);
    expect(listContainers(fixture.state).length).toBe(2);
  });

  test.each([
    ["the full id", hex("abc1")],
    ["a unique prefix", "abc1"],
    ["one digit", "d"],
    ["the name", "web"],
    ["docker's name with a slash", "/web"],
  ])("finds by %s", (_what, wanted) => {
    using fixture = stateFixture();
    addContainer(fixture.state, { id: hex("abc1"), name: wanted === "d" ? "x" : "web" });
    addContainer(fixture.state, { id: hex("abc2"), name: "y" });
    addContainer(fixture.state, { id: hex("d"), name: wanted === "d" ? "web" : "z" });
    expect(findContainer(fixture.state, wanted).id).toBe(hex(wanted === "d" ? "d" : "abc1"));
  });

  test("a name that looks like another's id prefix wins", () => {
    using fixture = stateFixture();
    addContainer(fixture.state, { id: hex("abc1"), name: "x" });
    addContainer(fixture.state, { id: hex("ffff"), name: "abc1" });
    expect(findContainer(fixture.state, "abc1").id).toBe(hex("ffff"));
  });

  test("an ambiguous prefix and a missing container are errors", () => {
    using fixture = stateFixture();
    addContainer(fixture.state, { id: hex("abc1"), name: "x" });
    addContainer(fixture.state, { id: hex("abc2"), name: "y" });
    expect(() => findContainer(fixture.state, "abc")).toThrow("multiple IDs found with provided prefix: abc");
    for (const missing of ["abd", "nope", "", "%", "abc' OR 1=1 --", "g"]) {
      expect(() => findContainer(fixture.state, missing)).toThrow(`No such container: ${missing}`);
    }
  });

  test("lists newest first, and by image", () => {
    using fixture = stateFixture();
    const ids = ["a", "b", "c"].map(
      (name) => addContainer(fixture.state, { name, imageId: `sha256:${name}` }).id,
    );
    expect(listContainers(fixture.state).map(({ id }) => id)).toEqual(ids.toReversed());
    expect(containersUsing(fixture.state, "sha256:b").map(({ name }) => name)).toEqual(["b"]);
  });

  test("lists by the time of creation, whatever the clock did meanwhile", () => {
    using fixture = stateFixture();
    for (const name of ["a", "b", "c"]) addContainer(fixture.state, { name });
    for (const [name, time] of [
      ["a", 2],
      ["b", 3],
      ["c", 2],
    ] as const)
      fixture.state.run("UPDATE containers SET created_at_ms = ? WHERE name = ?", time, name);
    expect(listContainers(fixture.state).map(({ name }) => name)).toEqual(["b", "c", "a"]);
  });

  test("removal makes the name free", () => {
    using fixture = stateFixture();
    const { id } = addContainer(fixture.state, { name: "web" });
    expect(removeContainer(fixture.state, id)).toBe(true);
    expect(removeContainer(fixture.state, id)).toBe(false);
    addContainer(fixture.state, { name: "web" });
  });

  test("the config can be replaced", () => {
    using fixture = stateFixture();
    const { id, config } = addContainer(fixture.state);
    setContainerConfig(fixture.state, id, { ...config, readOnly: true });
    expect(record(fixture.state, id).config.readOnly).toBe(true);
    expect(() => setContainerConfig(fixture.state, "gone", config)).toThrow("No such container");
  });
});

describe("foreign content", () => {
  test("a config with missing or misshapen keys is completed", () => {
    using fixture = stateFixture();
    const { id } = addContainer(fixture.state);
    fixture.state.run(
      "UPDATE containers SET config = ?, status = 'floating'",
      '{"image":"x","env":7,"later":[1]}',
    );
    const { config, status } = record(fixture.state, id);
    expect(config).toMatchObject({
      image: "x",
      env: [],
      mounts: [],
      log: { driver: "json-file" },
      later: [1],
    });
    expect(status).toBe("dead");
  });

  test.each([
    ["args", "[1]"],
    ["config", "[]"],
    ["init", '{"pid":"1"}'],
    ["anonymous_volumes", "{}"],
  ])("a %s column of %s is one clear error", (column, value) => {
    using fixture = stateFixture();
    const { id } = addContainer(fixture.state);
    fixture.state.run(`UPDATE containers SET ${column} = ?`, value);
    const readWhole = () => ({ ...getContainer(fixture.state, id) });
    expect(readWhole).toThrow(`cannot read the state: column "${column}"`);
    expect(removeContainer(fixture.state, id)).toBe(true);
  });

  test("a config that cannot be read hides no container from a list", () => {
    using fixture = stateFixture();
    const ids = ["a", "b"].map((name) => addContainer(fixture.state, { name }).id);
    fixture.state.run("UPDATE containers SET config = '[]' WHERE name = 'a'");
    expect(listContainers(fixture.state).map(({ id }) => id)).toEqual(ids.toReversed());
  });

  test("what is no JSON cannot get in", () => {
    using fixture = stateFixture();
    addContainer(fixture.state);
    expect(() => fixture.state.run("UPDATE containers SET config = '{'")).toThrow("CHECK constraint failed");
  });
});

describe("life", () => {
  const monitor = liveProcess();
  const init = { ...monitor, startTicks: "77" };

  test("created, running, exited", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const { id } = addContainer(state);
    expect(markStarting(state, id, monitor)).toBe(true);
    expect(record(state, id)).toMatchObject({ status: "created", monitor });
    expect(markRunning(state, id, monitor, init)).toBe(true);
    expect(record(state, id)).toMatchObject({ status: "running", monitor, init, error: "" });
    expect(
      markExited(state, id, { monitor, init }, { exitCode: 137, oomKilled: true, finishedAtMs: 5 }),
    ).toBe(true);
    const exited = record(state, id);
    expect(exited).toMatchObject({ status: "exited", exitCode: 137, oomKilled: true, finishedAtMs: 5 });
    expect(exited.init).toBeUndefined();
    expect(exited.monitor).toBeUndefined();
  });

  test("a second monitor cannot claim while the first lives, and takes over when it is dead", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const { id } = addContainer(state);
    expect(markStarting(state, id, deadProcess())).toBe(true);
    expect(markStarting(state, id, monitor)).toBe(true);
    expect(markStarting(state, id, deadProcess())).toBe(false);
    expect(markRunning(state, id, deadProcess(), init)).toBe(false);
    expect(markRunning(state, id, monitor, init)).toBe(true);
    expect(markStarting(state, id, monitor)).toBe(false);
  });

  test("a late writer changes nothing", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const { id } = addContainer(state);
    const old = deadProcess("1");
    markStarting(state, id, old);
    markRunning(state, id, old, deadProcess("2"));
    expect(
      markExited(state, id, { monitor: old, init: deadProcess("2") }, { exitCode: 1, oomKilled: false }),
    ).toBe(true);
    markStarting(state, id, monitor);
    markRunning(state, id, monitor, init);
    const before = record(state, id);
    expect(markExited(state, id, { init: deadProcess("2") }, { exitCode: 2, oomKilled: false })).toBe(false);
    expect(markExited(state, id, { monitor: old }, { exitCode: 2, oomKilled: false })).toBe(false);
    expect(markExited(state, id, {}, { exitCode: 2, oomKilled: false })).toBe(false);
    expect(markStartFailed(state, id, old, { exitCode: 2, error: "x" })).toBe(false);
    expect(record(state, id)).toEqual(before);
  });

  test("a failed start leaves the status and says why", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const { id } = addContainer(state);
    markStarting(state, id, monitor);
    expect(markStartFailed(state, id, monitor, { exitCode: 127, error: "not found" })).toBe(true);
    expect(record(state, id)).toMatchObject({ status: "created", exitCode: 127, error: "not found" });
    expect(record(state, id).monitor).toBeUndefined();
    expect(markStarting(state, id, monitor)).toBe(true);
    expect(record(state, id).error).toBe("");
  });

  test("setStatus compares first", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const { id } = addContainer(state);
    expect(setStatus(state, id, ["running"], "paused")).toBe(false);
    expect(setStatus(state, id, ["created", "exited"], "removing")).toBe(true);
    expect(markStarting(state, id, monitor)).toBe(false);
    expect(record(state, id).status).toBe("removing");
  });

  test("what needs settling claims processes that are not there", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const { id } = addContainer(state);
    expect(needsSettling(record(state, id))).toBe(false);
    markStarting(state, id, deadProcess());
    expect(needsSettling(record(state, id))).toBe(true);
    markStarting(state, id, monitor);
    expect(needsSettling(record(state, id))).toBe(false);
    markRunning(state, id, monitor, init);
    expect(needsSettling(record(state, id))).toBe(false);
    const rebooted = { ...record(state, id), monitor: { ...monitor, bootId: "another" } };
    expect(needsSettling(rebooted)).toBe(true);
    // An init without its monitor has nobody who could tell how it ends; one that has none is its own proof.
    const { monitor: _gone, ...orphan } = { ...record(state, id), init: liveProcess() };
    expect(needsSettling({ ...orphan, monitor: deadProcess() })).toBe(true);
    expect(needsSettling(orphan)).toBe(false);
  });
});

/**
 * What a command does with a container that another one changes between its two looks: it was found in the state, and
 * then it has ended, is paused, or is removed. The second look is the test's own, so nothing here is a matter of luck.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { resolveEngineSettings } from "../../src/config/engine-settings.ts";
import { loadContainerImage } from "../../src/engine/container-image.ts";
import { containerFolder } from "../../src/engine/container-paths.ts";
import { type Engine, openEngine } from "../../src/engine/engine.ts";
import { containerTree } from "../../src/engine/file-tree.ts";
import { withPaused } from "../../src/engine/paused.ts";
import { refreshNames } from "../../src/engine/refresh-names.ts";
import { unlessRemoved } from "../../src/engine/removed-meanwhile.ts";
import { findContainer } from "../../src/state/container.ts";
import { markRunning, markStarting } from "../../src/state/container-life.ts";
import type { ContainerRecord } from "../../src/state/record.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";
import { deadProcess } from "../unit/state/state-fixture.ts";

let bocker: Workspace;
let engine: Engine;
beforeAll(() => {
  bocker = openWorkspace();
  engine = openEngine(resolveEngineSettings({}, { root: bocker.root, runRoot: bocker.runRoot }, {}));
});
afterEach(() => bocker.run("rm", "-f", "cc"));
afterAll(async () => {
  engine.state.close();
  await bocker[Symbol.asyncDispose]();
});

/** As a command has found it that is overtaken now. */
async function runningContainer(): Promise<ContainerRecord> {
  await bocker.ok("run", "-d", "--name", "cc", "--network", "none", "busybox", "sleep", "1000");
  return findContainer(engine.state, "cc");
}

test("its image config is not missed, it is itself not there", async () => {
  const record = await runningContainer();
  await bocker.ok("rm", "-f", "cc");
  expect(() => loadContainerImage(engine, record)).toThrow("No such container: cc");
});

test("a damaged image config of one that stays is told", async () => {
  const record = await runningContainer();
  rmSync(`${containerFolder(engine.paths, record.id)}/image.json`);
  expect(() => loadContainerImage(engine, record)).toThrow('cannot read the image config of container "cc"');
});

test("its files, when its process has let go of them", async () => {
  const record = await runningContainer();
  await bocker.ok("rm", "-f", "cc");
  expect(() => containerTree(engine, record)).toThrow("No such container: cc");
});

test("an error of what was done with it stands only while it is there", async () => {
  const record = await runningContainer();
  const fail = () => unlessRemoved(engine, record, "cc", () => Promise.reject(new Error("no such entry")));
  await expect(fail()).rejects.toThrow("no such entry");
  await bocker.ok("rm", "-f", "cc");
  await expect(fail()).rejects.toThrow("No such container: cc");
});

test("nothing is paused when it has ended, or somebody else has paused it; the work is done all the same", async () => {
  const record = await runningContainer();
  await bocker.ok("pause", "cc");
  expect(await withPaused(engine, record, true, async () => "done")).toBe("done");
  expect((await bocker.inspect("cc")).State.Status).toBe("paused");
  await bocker.ok("kill", "cc");
  await bocker.ok("wait", "cc");
  expect(await withPaused(engine, record, true, async () => "done")).toBe("done");
});

test("names of one whose end nobody has recorded yet, and whose files are gone, are nobody's", async () => {
  await bocker.ok("create", "--name", "cc", "--network", "none", "busybox", "true");
  const { id } = findContainer(engine.state, "cc");
  expect(markStarting(engine.state, id, deadProcess())).toBe(true);
  expect(markRunning(engine.state, id, deadProcess(), deadProcess("2"))).toBe(true);
  rmSync(containerFolder(engine.paths, id), { recursive: true });
  await refreshNames(engine, id);
});

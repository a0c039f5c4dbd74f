/** The restart policy's steps in a container's life: who may take them, and what they leave. */
import { expect, test } from "bun:test";
import { getContainer } from "../../../src/state/container.ts";
import {
  markExited,
  markRestartEnded,
  markRestarting,
  markRunning,
  markStarting,
  markStopIntent,
} from "../../../src/state/container-life.ts";
import type { State } from "../../../src/state/state.ts";
import { addContainer, deadProcess, liveProcess, stateFixture } from "./state-fixture.ts";

const monitor = liveProcess();
const init = deadProcess("7");
const failure = { exitCode: 3, oomKilled: false };

function runningContainer(state: State): string {
  const { id } = addContainer(state);
  markStarting(state, id, monitor);
  markRunning(state, id, monitor, init);
  return id;
}

test("an end that is followed by a start: no process, the monitor stays, the count grows", () => {
  using fixture = stateFixture();
  const id = runningContainer(fixture.state);
  expect(markRestarting(fixture.state, id, monitor, failure, 100)).toBe(true);
  const record = getContainer(fixture.state, id);
  expect(record).toMatchObject({
    status: "restarting",
    exitCode: 3,
    restartCount: 1,
    restartDelayMs: 100,
    monitor,
  });
  expect(record?.init).toBeUndefined();
  expect(markStarting(fixture.state, id, monitor)).toBe(true);
  expect(markRunning(fixture.state, id, monitor, deadProcess("8"))).toBe(true);
  expect(getContainer(fixture.state, id)).toMatchObject({ status: "running", restartCount: 1 });
});

test("somebody's stop comes first: neither restarted nor started", () => {
  using fixture = stateFixture();
  const id = runningContainer(fixture.state);
  expect(markStopIntent(fixture.state, id, "stop")).toBe(true);
  expect(markRestarting(fixture.state, id, monitor, failure, 100)).toBe(false);
  expect(markExited(fixture.state, id, { monitor }, failure)).toBe(true);
  expect(markStopIntent(fixture.state, id, "stop")).toBe(false);
});

test("a stop in the pause between two runs", () => {
  using fixture = stateFixture();
  const id = runningContainer(fixture.state);
  markRestarting(fixture.state, id, monitor, failure, 100);
  markStopIntent(fixture.state, id, "stop");
  expect(markStarting(fixture.state, id, monitor)).toBe(false);
  expect(markRestartEnded(fixture.state, id, deadProcess())).toBe(false);
  expect(markRestartEnded(fixture.state, id, monitor)).toBe(true);
  const record = getContainer(fixture.state, id);
  expect(record).toMatchObject({ status: "exited", exitCode: 3, stopIntent: "stop" });
  expect(record?.monitor).toBeUndefined();
});

test("a start by hand begins anew: no count, no pause, no stop", () => {
  using fixture = stateFixture();
  const id = runningContainer(fixture.state);
  markRestarting(fixture.state, id, monitor, failure, 100);
  markStopIntent(fixture.state, id, "restart");
  markRestartEnded(fixture.state, id, monitor);
  expect(markStarting(fixture.state, id, monitor)).toBe(true);
  const record = getContainer(fixture.state, id);
  expect(record?.restartCount).toBe(0);
  expect(record?.stopIntent).toBeUndefined();
  expect(record?.restartDelayMs).toBeUndefined();
});

test("another monitor's container is not restarted", () => {
  using fixture = stateFixture();
  const id = runningContainer(fixture.state);
  expect(markRestarting(fixture.state, id, deadProcess(), failure, 100)).toBe(false);
  expect(getContainer(fixture.state, id)?.status).toBe("running");
});

/** Events are written with what they tell of, once each, and old ones are forgotten. */
import { describe, expect, test } from "bun:test";
import { completeConfig } from "../../../src/state/config-column.ts";
import { removeContainer, renameContainer } from "../../../src/state/container.ts";
import {
  markExited,
  markRestarting,
  markRunning,
  markStarting,
  setStatus,
} from "../../../src/state/container-life.ts";
import { appendContainerEvent, appendEvent, lastEventNumber, listEvents } from "../../../src/state/event.ts";
import type { State } from "../../../src/state/state.ts";
import { addContainer, liveProcess, stateFixture } from "./state-fixture.ts";

const actions = (state: State) => listEvents(state).map(({ action }) => action);

describe("a container's events", () => {
  test("come with its transitions", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const { id } = addContainer(state, { name: "web" });
    const me = liveProcess();
    markStarting(state, id, me);
    markRunning(state, id, me, me);
    setStatus(state, id, ["running"], "paused");
    setStatus(state, id, ["paused"], "running");
    markRestarting(state, id, me, { exitCode: 1, oomKilled: false }, 100);
    markStarting(state, id, me);
    markRunning(state, id, me, me);
    renameContainer(state, id, "site");
    markExited(state, id, { monitor: me }, { exitCode: 3, oomKilled: false });
    setStatus(state, id, ["exited"], "removing");
    removeContainer(state, id);
    expect(actions(state)).toEqual([
      "create",
      "start",
      "pause",
      "unpause",
      "die",
      "start",
      "rename",
      "die",
      "destroy",
    ]);
    expect(listEvents(state).at(-2)?.attributes).toEqual({ exitCode: "3", image: "busybox", name: "site" });
    expect(listEvents(state)[6]?.attributes.oldName).toBe("/web");
  });

  test("not with those that did not happen", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const { id } = addContainer(state);
    const me = liveProcess();
    expect(markRunning(state, id, me, me)).toBe(false);
    expect(setStatus(state, id, ["running"], "paused")).toBe(false);
    expect(markExited(state, id, { monitor: me }, { exitCode: 0, oomKilled: false })).toBe(false);
    expect(removeContainer(state, "absent")).toBe(false);
    appendContainerEvent(state, "absent", "kill");
    expect(actions(state)).toEqual(["create"]);
    expect(() =>
      state.transaction(() => {
        appendContainerEvent(state, id, "kill");
        throw new Error("taken back");
      }),
    ).toThrow("taken back");
    expect(actions(state)).toEqual(["create"]);
  });

  test("carry its labels, which do not hide its name", () => {
    using fixture = stateFixture();
    const config = completeConfig({ image: "x", labels: { team: "a", name: "mine", "with.dot": "ü\"'" } });
    addContainer(fixture.state, { name: "web", config });
    expect(listEvents(fixture.state)[0]?.attributes).toEqual({
      team: "a",
      name: "web",
      image: "busybox",
      "with.dot": "ü\"'",
    });
  });
});

test("numbers grow, and the last ten thousand are kept", () => {
  using fixture = stateFixture();
  const { state } = fixture;
  expect(lastEventNumber(state)).toBe(0);
  state.transaction(() => {
    for (let count = 0; count < 10_500; count++) {
      appendEvent(state, { type: "volume", action: "create", id: `v${count}`, attributes: {} });
    }
  });
  expect(lastEventNumber(state)).toBe(10_500);
  expect(listEvents(state).length).toBe(10_000);
  expect(listEvents(state, 10_499).map(({ id }) => id)).toEqual(["v10499"]);
});

import { describe, expect, test } from "bun:test";
import type { RestartConfig } from "../../../src/config/container-config.ts";
import { isWantedAtBoot, planBootOrder } from "../../../src/engine/boot-plan.ts";
import type { ContainerStatus, StopIntent } from "../../../src/state/record.ts";

interface Case {
  readonly policy?: RestartConfig["policy"];
  readonly maxRetries?: number;
  readonly status?: ContainerStatus;
  readonly exitCode?: number;
  readonly restartCount?: number;
  readonly stopIntent?: StopIntent;
  readonly neverStarted?: true;
}

function isWanted({ policy, maxRetries = 0, neverStarted, stopIntent, ...rest }: Case): boolean {
  return isWantedAtBoot({
    status: "exited",
    exitCode: 0,
    restartCount: 0,
    ...rest,
    ...(stopIntent === undefined ? {} : { stopIntent }),
    ...(neverStarted ? {} : { startedAtMs: 1 }),
    config: policy === undefined ? {} : { restart: { policy, maxRetries } },
  });
}

describe("which containers are started with the machine", () => {
  const cases: readonly (readonly [Case, boolean])[] = [
    [{}, false],
    [{ exitCode: 255 }, false],
    [{ policy: "always" }, true],
    [{ policy: "always", stopIntent: "stop" }, true],
    [{ policy: "always", neverStarted: true, status: "created" }, false],
    [{ policy: "always", status: "running" }, false],
    [{ policy: "always", status: "paused" }, false],
    [{ policy: "always", status: "removing" }, false],
    [{ policy: "always", status: "dead" }, false],
    [{ policy: "unless-stopped" }, true],
    [{ policy: "unless-stopped", exitCode: 255 }, true],
    [{ policy: "unless-stopped", stopIntent: "stop" }, false],
    [{ policy: "unless-stopped", stopIntent: "shutdown" }, true],
    // The machine went down between the two halves of a restart.
    [{ policy: "unless-stopped", stopIntent: "restart" }, true],
    [{ policy: "on-failure", exitCode: 255 }, true],
    [{ policy: "on-failure", exitCode: 0 }, false],
    [{ policy: "on-failure", exitCode: 143, stopIntent: "shutdown" }, true],
    [{ policy: "on-failure", exitCode: 143, stopIntent: "stop" }, false],
    [{ policy: "on-failure", exitCode: 1, maxRetries: 3, restartCount: 2 }, true],
    [{ policy: "on-failure", exitCode: 1, maxRetries: 3, restartCount: 3 }, false],
  ];
  test.each(cases)("%o: %p", (record, expected) => {
    expect(isWanted(record)).toBe(expected);
  });
});

describe("their order", () => {
  let time = 0;
  const container = (id: string, modes: { net?: string; pid?: string; ipc?: string } = {}) => ({
    id,
    createdAtMs: time++,
    config: {
      networks: modes.net === undefined ? [] : [{ name: modes.net, aliases: [] }],
      ...(modes.pid === undefined ? {} : { pidMode: modes.pid }),
      ...(modes.ipc === undefined ? {} : { ipcMode: modes.ipc }),
    },
  });
  const order = (containers: readonly ReturnType<typeof container>[]) =>
    planBootOrder(containers).map((wave) => wave.map(({ id }) => id));

  test("is that of their making, all in one wave", () => {
    const [a, b, c] = [container("a"), container("b"), container("c")];
    expect(order([c, a, b])).toEqual([["a", "b", "c"]]);
    expect(order([])).toEqual([]);
  });

  test("puts whoever joins another's namespaces behind that one", () => {
    const joins = [
      container("net", { net: "container:pid" }),
      container("pid", { pid: "container:base" }),
      container("ipc", { ipc: "container:base" }),
      container("base"),
      container("host", { net: "host", pid: "host" }),
    ];
    expect(order(joins)).toEqual([["base", "host"], ["pid", "ipc"], ["net"]]);
  });

  test("does not wait for one that is not started, nor in a circle for ever", () => {
    expect(order([container("a", { net: "container:gone" })])).toEqual([["a"]]);
    const circle = [container("x", { net: "container:y" }), container("y", { pid: "container:x" })];
    expect(order([...circle, container("z")])).toEqual([["z"], ["x", "y"]]);
  });
});

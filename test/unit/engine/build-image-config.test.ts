/** A finished stage as an image config, its step titles, and what a RUN's cache key knows. */
import { describe, expect, test } from "bun:test";
import { resolveScope } from "../../../src/build/build-scope.ts";
import { parseDockerfile } from "../../../src/build/dockerfile/parse-dockerfile.ts";
import { keyOf } from "../../../src/build/layer-cache.ts";
import { planStages } from "../../../src/build/stage-graph.ts";
import { type RunEffect, stateOfImage } from "../../../src/build/stage-state.ts";
import { newRunDraft } from "../../../src/config/default-config.ts";
import type { BuiltStage } from "../../../src/engine/build/build-context.ts";
import { imageConfigOf } from "../../../src/engine/build/image-config-of.ts";
import { runFacts } from "../../../src/engine/build/step-key.ts";
import { stepTitles } from "../../../src/engine/build/step-title.ts";

const platform = { os: "linux", architecture: "arm", variant: "v7" };

function stageOf(change: Partial<BuiltStage> = {}): BuiltStage {
  const base = [{ created: "2020-01-01T00:00:00Z", created_by: "base" }];
  const state = stateOfImage(
    { Labels: { z: "1", a: "2" }, ExposedPorts: { "9/tcp": {}, "1/tcp": {} } },
    base,
    "me",
  );
  const history = [...state.history, { created_by: "RUN x", comment: "buildkit.dockerfile.v0" }];
  return {
    state: { ...state, history },
    layers: [],
    platform,
    baseHistory: 1,
    baseLayers: 0,
    baseId: undefined,
    epochSeconds: 1_000_000_000,
    ...change,
  };
}

const asked = (labels: Readonly<Record<string, string>>) => ({ labels, epochSeconds: undefined });

describe("imageConfigOf", () => {
  test.each([
    [undefined, undefined, "2001-09-09T01:46:40.000Z"],
    [undefined, 0, "1970-01-01T00:00:00.000Z"],
    [1, 2, "1970-01-01T00:00:01.000Z"],
  ])("is as old as %p or %p say", (epochSeconds, createdSeconds, created) => {
    expect(imageConfigOf(stageOf(), { labels: {}, epochSeconds, createdSeconds }).created).toBe(created);
  });

  test("gives the base's history as it is, and its own the image's time", () => {
    const config = imageConfigOf(stageOf(), asked({}));
    expect(config.created).toBe("2001-09-09T01:46:40.000Z");
    expect(config.history).toEqual([
      { created: "2020-01-01T00:00:00Z", created_by: "base" },
      { created: "2001-09-09T01:46:40.000Z", created_by: "RUN x", comment: "buildkit.dockerfile.v0" },
    ]);
    expect(config).toMatchObject({ author: "me", architecture: "arm", variant: "v7", os: "linux" });
  });

  test("does not depend on the order in which keys were set", () => {
    const { config } = imageConfigOf(stageOf(), asked({ b: "3" }));
    expect(Object.entries(config.Labels ?? {})).toEqual([
      ["a", "2"],
      ["b", "3"],
      ["z", "1"],
    ]);
    expect(Object.keys(config.ExposedPorts ?? {})).toEqual(["1/tcp", "9/tcp"]);
  });

  test("lets --label win", () => {
    expect(imageConfigOf(stageOf(), asked({ a: "mine" })).config.Labels?.a).toBe("mine");
  });
});

test.each([
  ["FROM a\nENV x=1\nRUN y\nCOPY z /", undefined, ["[1/3]", ["[1/3]", "[2/3]", "[3/3]"]]],
  ["FROM scratch\nCOPY z /\nWORKDIR /y", undefined, ["[1/2]", ["[1/2]", "[2/2]"]]],
  ["FROM a AS one\nFROM b\nRUN y", undefined, ["[1/2]", ["[2/2]"]]],
  ["FROM a AS one\nFROM one\nRUN y", undefined, ["[stage-1 1/1]", ["[stage-1 1/1]"]]],
  ["FROM a AS one\nFROM b AS two\nCOPY --from=one / /", "two", ["[two 1/2]", ["[two 2/2]"]]],
] as const)("steps of %j", (text, target, [base, titles]) => {
  const dockerfile = parseDockerfile(text, "Dockerfile");
  const host = { os: "linux", architecture: "amd64" };
  const scope = resolveScope(dockerfile, {
    buildArgs: new Map(),
    buildPlatform: host,
    targetPlatform: host,
    target,
  });
  const graph = planStages(dockerfile, { scope, target, contexts: new Set() });
  const node = graph.nodes[graph.target];
  if (node === undefined) throw new Error("there is no target");
  expect(stepTitles(graph, node, node.stage.instructions)).toEqual({ base, instructions: [...titles] });
});

describe("the key of a RUN", () => {
  const { config } = newRunDraft();
  const effect: RunEffect = {
    kind: "run",
    location: { line: 1, endLine: 1 },
    args: ["/bin/sh", "-c", "true"],
    environment: new Map([["A", "1"]]),
    proxies: new Map(),
    cwd: "/",
    user: "",
    mounts: [],
    network: "default",
    security: "sandbox",
    script: undefined,
  };
  const key = (change: Partial<RunEffect> = {}, build = config) =>
    keyOf(runFacts({ ...effect, ...change }, [], build));

  test("knows neither its place nor proxies", () => {
    expect(key({ location: { line: 9, endLine: 9 }, proxies: new Map([["http_proxy", "x"]]) })).toBe(key());
  });

  test.each([
    { args: ["true"] },
    { environment: new Map([["A", "2"]]) },
    { cwd: "/x" },
    { user: "nobody" },
    { network: "none" as const },
    { security: "insecure" as const },
    { script: { name: "/dev/pipes/EOF", content: "#!x" } },
  ])("knows %j", (change) => {
    expect(key(change)).not.toBe(key());
  });

  test("knows what can be read in /etc/hosts", () => {
    expect(key({}, { ...config, addHosts: ["a:1.2.3.4"] })).not.toBe(key());
  });

  test("tells lists apart whatever their words are", () => {
    expect(key({ args: ["a b"] })).not.toBe(key({ args: ["a", "b"] }));
  });
});

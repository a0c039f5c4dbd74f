/** `--from` and `--env`, and how many RUNs go on at the same time. */
import { describe, expect, test } from "bun:test";
import { resolveScope } from "../../../src/build/build-scope.ts";
import { overrideStages } from "../../../src/build/dockerfile/override-stages.ts";
import { parseDockerfile } from "../../../src/build/dockerfile/parse-dockerfile.ts";
import { evaluate } from "../../../src/build/evaluate.ts";
import { planStages } from "../../../src/build/stage-graph.ts";
import { stateOfImage } from "../../../src/build/stage-state.ts";
import { JobLimit } from "../../../src/engine/build/job-limit.ts";

const platform = { os: "linux", architecture: "amd64" };

function planned(text: string, overrides: Parameters<typeof overrideStages>[1]) {
  const dockerfile = overrideStages(parseDockerfile(text, "Dockerfile"), overrides);
  const scope = resolveScope(dockerfile, {
    ...{ buildArgs: new Map<string, string>(), buildPlatform: platform, targetPlatform: platform },
    target: undefined,
  });
  return {
    dockerfile,
    scope,
    graph: planStages(dockerfile, { scope, target: undefined, contexts: new Set() }),
  };
}

describe("overrideStages", () => {
  test("gives the first FROM another image, and leaves the others", () => {
    const { graph } = planned("ARG B=x\nFROM $B AS a\nFROM other\nFROM a\n", { base: "new:$1", env: [] });
    expect(graph.nodes.map(({ base }) => base)).toEqual([
      { kind: "image", name: "new:$1" },
      { kind: "image", name: "other" },
      { kind: "stage", index: 0 },
    ]);
  });

  test.each(["\\", "`"])("sets a value as it is, whatever is in it (escape %p)", (token) => {
    const value = "a $HOME $x \"q\" 'r' \\b `c` <<EOF é";
    const { dockerfile, scope } = planned(`# escape=${token}\nFROM a\n`, {
      base: undefined,
      env: [["E", value]],
    });
    const [instruction] = dockerfile.stages[0]?.instructions ?? [];
    if (instruction === undefined) throw new Error("no ENV");
    const { state } = evaluate(instruction, stateOfImage({}, [], undefined), scope);
    expect(state.environment.get("E")).toBe(value);
  });
});

test("JobLimit lets as many in as it was told, and the rest in their order", async () => {
  const limit = new JobLimit(2);
  const order: string[] = [];
  const enter = async (name: string) => {
    const job = await limit.enter();
    order.push(name);
    return job;
  };
  const [a, b] = [await enter("a"), await enter("b")];
  const [c, d] = [enter("c"), enter("d")];
  await Promise.resolve();
  expect(order).toEqual(["a", "b"]);
  b[Symbol.dispose]();
  (await c)[Symbol.dispose]();
  await d;
  expect(order).toEqual(["a", "b", "c", "d"]);
  a[Symbol.dispose]();
  (await new JobLimit(undefined).enter())[Symbol.dispose]();
});

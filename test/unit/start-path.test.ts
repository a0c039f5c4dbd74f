/**
 * What the commands that scripts call in loops load: every module costs each of their runs. Measured, compiled, cold:
 * node:fs 0.9 ms, node:util 0.6, node:net and node:tty 2.6 each, node:zlib 3, citty 3, valibot with its schemas 4.
 */
import { expect, test } from "bun:test";
import { loadSourceTree, reachableFrom } from "../lib/source-tree.ts";

const product = await loadSourceTree(["src/**/*.ts", "ffi/**/*.ts"]);

/** Roots of what is loaded, in the order of a `run`: the monitor's side is as much on its way. */
const roots = [
  "src/main.ts",
  "src/engine/early-monitor.ts",
  "src/cli/main-loop.ts",
  ...["run", "start", "exec", "ps", "stop", "kill", "rm"].map((name) => `src/cli/command/${name}.ts`),
  "src/engine/monitor-main.ts",
  "src/engine/monitor-role.ts",
  "src/oci/oci-main.ts",
  ...["create", "start", "run", "exec", "state", "kill", "delete"].map(
    (name) => `src/oci/command/${name}.ts`,
  ),
];

const affordable = ["node:fs", "node:path", "node:os", "node:buffer", "bun:ffi", "bun:sqlite"];

function packagesFrom(root: string): readonly string[] {
  const files = reachableFrom(root, product, ["value"]);
  return product
    .filter(({ path }) => files.has(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ target, kind }) => target === undefined && kind === "value")
        .map(({ specifier }) => ({ path, specifier })),
    )
    .filter(({ specifier }) => !affordable.includes(specifier))
    .map(({ path, specifier }) => `${path} imports ${specifier}`);
}

for (const root of roots) {
  test(`${root} loads no module that costs more than it must`, () => {
    expect(product.some(({ path }) => path === root)).toBe(true);
    expect(packagesFrom(root)).toEqual([]);
  });
}

test("the monitor is spawned before anything large is loaded", () => {
  expect(packagesFrom("src/engine/early-monitor.ts")).toEqual([]);
  const files = reachableFrom("src/engine/early-monitor.ts", product, ["value"]);
  const imports = product.filter(({ path }) => files.has(path)).flatMap((file) => file.imports);
  expect(imports.filter(({ specifier, kind }) => kind === "value" && specifier.startsWith("node:"))).toEqual(
    [],
  );
});

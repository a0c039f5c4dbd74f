/**
 * The shape of the code, held to ARCHITECTURE.md: who may import whom, one door for each effect, no cycles,
 * lean start-up, sizes, names, docstrings, and pages whose paths exist.
 *
 * A rule that fails names every offender and says what to do, so that nobody needs to read this file.
 */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { parseMarkdownTable } from "../lib/markdown-table.ts";
import {
  findImportCycle,
  loadSourceTree,
  parseImports,
  reachableFrom,
  repositoryRoot,
  type SourceFile,
} from "../lib/source-tree.ts";
import { namesOfPromises, promisesLetGo } from "../lib/using-scope.ts";

const product = await loadSourceTree(["src/**/*.ts", "ffi/**/*.ts", "images/**/*.ts"]);
const tests = await loadSourceTree(["test/**/*.ts"]);
const everything = [...product, ...tests];
const architecture = await Bun.file(join(repositoryRoot, "ARCHITECTURE.md")).text();
const readme = await Bun.file(join(repositoryRoot, "README.md")).text();

interface FolderRule {
  readonly values: ReadonlySet<string>;
  readonly types: ReadonlySet<string>;
}

/** The import table of ARCHITECTURE.md; `everything above` is every folder of the rows before. */
function loadFolderRules(): ReadonlyMap<string, FolderRule> {
  const rules = new Map<string, FolderRule>();
  const head = ["folder", "what lives there", "may import", "types also from"];
  for (const [folder = "", , values = "", types = ""] of parseMarkdownTable(architecture, head)) {
    const above = [...rules.keys()];
    const value = values === "everything above" ? above : foldersIn(values);
    rules.set(folder, {
      values: new Set([folder, ...value]),
      types: new Set([folder, ...value, ...foldersIn(types)]),
    });
  }
  return rules;
}

function foldersIn(cell: string): string[] {
  const words = cell.split(",").map((word) => word.trim());
  return words
    .filter((word) => word !== "" && word !== "–")
    .map((word) => (word === "ffi" || word === "images" ? word : `src/${word}`));
}

const rules = loadFolderRules();

/** What a file's imports break, one line each. */
function forbiddenImports(file: SourceFile): string[] {
  if (file.path === "src/main.ts" || file.path === "src/errors.ts") return [];
  const rule = rules.get(file.folder);
  if (rule === undefined) return [`${file.path}: the folder ${file.folder} is not in the import table`];
  return file.imports.flatMap(({ target, kind }) => {
    if (target === undefined) return [];
    if (target === "src/errors.ts" && file.folder !== "ffi") return [];
    if (target.startsWith("build/")) return [];
    const folder = folderOfTarget(target);
    const allowed = kind === "type" ? rule.types : rule.values;
    return allowed.has(folder) ? [] : [`${file.path} imports ${target} (${kind})`];
  });
}

function folderOfTarget(target: string): string {
  const [top = "", second = ""] = target.split("/");
  return top === "src" ? `src/${second}` : top;
}

interface Door {
  readonly what: string;
  readonly pattern: RegExp;
  readonly allowed: RegExp;
}

const doors: readonly Door[] = [
  { what: "bun:ffi", pattern: /["']bun:ffi["']/, allowed: /^ffi\// },
  { what: "fetch(", pattern: /(?<![.\w])fetch\(/, allowed: /^src\/registry\/[a-z-]*transport\.ts$/ },
  {
    what: "Bun.spawn",
    pattern: /\bBun\.(spawn|spawnSync|\$)/,
    allowed: /^src\/host\/(run-command|spawn-detached)\.ts$/,
  },
  { what: "node:child_process", pattern: /["'](node:)?child_process["']/, allowed: /^$/ },
  { what: "process.exit", pattern: /\bprocess\.(exit\(|exitCode\s*=)/, allowed: /^src\/main\.ts$/ },
  { what: "bun:sqlite", pattern: /["']bun:sqlite["']/, allowed: /^src\/state\// },
  { what: "console.*", pattern: /\bconsole\.\w+\(/, allowed: /^src\/main\.ts$/ },
  { what: "consola", pattern: /from\s+["']consola/, allowed: /^$/ },
];

/** `path:line` of every match outside the door. */
function outsideDoor(door: Door): string[] {
  return product
    .filter((file) => !door.allowed.test(file.path) && !isBuildTime(file.path))
    .flatMap((file) =>
      file.code
        .split("\n")
        .flatMap((line, at) => (door.pattern.test(line) ? [`${file.path}:${at + 1}`] : [])),
    );
}

/** One command of the CLI: its summary and usage are data, and say what a header would. */
function isCommand(path: string): boolean {
  return path.startsWith("src/cli/command/");
}

/** Programs of the build, which never run in the product. */
function isBuildTime(path: string): boolean {
  return /^(images|ffi\/native)\/.*build[a-z-]*\.ts$/.test(path);
}

/** Exports of more than `obvious` lines without a docstring, as `path:line: text`. */
function undocumentedExports(file: SourceFile): string[] {
  const obvious = 14;
  const lines = file.text.split("\n");
  return lines.flatMap((line, at) => {
    if (!/^export (default )?(async )?function\*? /.test(line)) return [];
    const length = lines.slice(at).indexOf("}");
    const before = lines[at - 1]?.trimEnd() ?? "";
    const documented = before.endsWith("*/") || /^export (async )?function /.test(before);
    return documented || length < obvious ? [] : [`${file.path}:${at + 1}: ${line}`];
  });
}

describe("imports", () => {
  test("every folder imports only what ARCHITECTURE.md allows it", () => {
    expect(product.flatMap(forbiddenImports)).toEqual([]);
  });

  test("there is no cycle", () => {
    expect(findImportCycle(everything)).toEqual([]);
  });

  test("relative imports name existing files, with their extension", () => {
    const others = everything.filter((file) => !/architecture\.test|golden/.test(file.path));
    const missing = others.flatMap((file) =>
      file.imports
        .filter(({ target }) => target !== undefined && !existsSync(join(repositoryRoot, target)))
        .map(({ specifier }) => `${file.path}: ${specifier}`)
        .filter((line) => !line.includes("/build/")),
    );
    expect(missing).toEqual([]);
  });

  test("nothing of the product imports tests", () => {
    const offenders = product.filter((file) =>
      file.imports.some(({ target }) => target?.startsWith("test/")),
    );
    expect(offenders.map((file) => file.path)).toEqual([]);
  });
});

describe("effects have one door", () => {
  for (const door of doors) {
    test(`${door.what} only in ${door.allowed.source}`, () => {
      expect(outsideDoor(door)).toEqual([]);
    });
  }
});

describe("start-up stays lean", () => {
  const heavy = ["tar", "consola", "valibot", "smol-toml"];
  test("main.ts reaches no heavy package without a dynamic import", () => {
    const closure = reachableFrom("src/main.ts", product, ["value"]);
    const offenders = product
      .filter((file) => closure.has(file.path))
      .flatMap((file) =>
        file.imports
          .filter(({ specifier, kind }) => kind === "value" && heavy.includes(specifier.split("/")[0] ?? ""))
          .map(
            ({ specifier }) =>
              `${file.path} imports ${specifier}: load it with await import() where it is used`,
          ),
      );
    expect(offenders).toEqual([]);
  });

  test("no module waits at its top level: bytecode is CommonJS", () => {
    const offenders = product
      .filter((file) => !isBuildTime(file.path) && /^(?:(?:const|let) [^\n]*= )?await /m.test(file.code))
      .map((file) => file.path);
    expect(offenders).toEqual([]);
  });
});

describe("files", () => {
  test("none is much over 400 lines: split by what it is about", () => {
    const long = everything
      .map((file) => ({ path: file.path, lines: file.text.split("\n").length - 1 }))
      .filter(({ path, lines }) => lines > (path.startsWith("test/") ? 550 : 460));
    expect(long).toEqual([]);
  });

  test("names are kebab-case and say what is inside", () => {
    const bad = everything
      .map((file) => file.path)
      .filter((path) => {
        const name = basename(path)
          .replace(/(\.test|\.d)?\.ts$/, "")
          .replace("x86_64", "amd64");
        return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || /^(utils?|helpers?|common|misc|index)$/.test(name);
      });
    expect(bad).toEqual([]);
  });

  test("each begins with a header that says what lives in it", () => {
    const bare = [...product, ...tests.filter((file) => file.path.startsWith("test/lib/"))]
      .filter((file) => !/^(#![^\n]*\n)?\/\*\*/.test(file.text) && !isCommand(file.path))
      .map((file) => file.path);
    expect(bare).toEqual([]);
  });

  test("exported functions that are not obvious at a glance have a docstring", () => {
    expect(product.flatMap(undocumentedExports)).toEqual([]);
  });
});

describe("what is held by using", () => {
  const promises = namesOfPromises(product);

  test("is not let go of before a promise that is returned: return await", () => {
    const offenders = everything.flatMap(({ path, code }) =>
      promisesLetGo(code, promises).map((line) => `${path}:${line}`),
    );
    expect(offenders).toEqual([]);
  });

  const held = (...lines: readonly string[]) =>
    ["async function f() {", "  using _lock = lock();", ...lines, "}"].join("\n");
  const cases: readonly (readonly [string, string, readonly number[]])[] = [
    ["a promise that is awaited", held("  return await load(x);"), []],
    ["a promise", held("  return load(x);"), [3]],
    ["a promise of many lines", held("  return load(", "    x,", "  );"), [3]],
    ["a promise of one branch", held("  if (x) {", "    return load(x);", "  }", "  return parse(x);"), [4]],
    ["a method's promise", held("  return this.client.load(x);"), [3]],
    ["many promises", held("  return Promise.all(list.map((item) => item.x));"), [3]],
    ["what a function within returns", held("  const g = () => {", "    return load(x);", "  };"), []],
    ["what a function would do later", held("  return { again: () => load(x) };"), []],
    ["what is no promise", held("  return parse(x);"), []],
    ["before the using", "async function f() {\n  if (x) return load(x);\n  using _lock = lock();\n}", []],
    ["after its block", "{\n  {\n    using _lock = lock();\n  }\n  return load(x);\n}", []],
  ];
  for (const [what, code, lines] of cases) {
    test(`the scanner: ${what}`, () => {
      expect(promisesLetGo(code, new Set(["load"]))).toEqual(lines);
    });
  }

  test("the scanner knows who gives promises", () => {
    const code = [
      "async function a(x: number) {}",
      "export function b(x: { y: number }, f: () => void): Promise<number> {}",
      "class X {\n  async c<T>(x: T) {}\n  d(): Promise<void> {}\n}",
      "const e = async (x) => 1;",
      "interface Y {\n  readonly f: (x: number) => Promise<void>;\n  g(x: number): Promise<void>;\n}",
      "function no(x: number): number {}",
    ].join("\n");
    expect([...namesOfPromises([{ code }])].sort()).toEqual(["a", "b", "c", "d", "e", "f", "g"]);
  });
});

describe("pages", () => {
  test('every path in "where does X happen" exists', () => {
    const rows = parseMarkdownTable(architecture, ["X", "where"]);
    const paths = rows.flatMap(([, where = ""]) =>
      [...where.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ""),
    );
    expect(paths.length).toBeGreaterThan(5);
    expect(paths.filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual([]);
  });

  test("every folder of src is in the import table, and the other way round", () => {
    const folders = new Set(product.map((file) => file.folder).filter((folder) => !folder.endsWith(".ts")));
    expect([...folders].filter((folder) => !rules.has(folder))).toEqual([]);
  });

  test("links between pages lead to files", () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? "");
    expect(links.filter((link) => !existsSync(join(repositoryRoot, link)))).toEqual([]);
  });
});

describe("the scanner behind these rules", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['import { a } from "./b.ts";', "./b.ts", "value"],
    ['import type { A } from "./b.ts";', "./b.ts", "type"],
    ['import { type A, b } from "./b.ts";', "./b.ts", "value"],
    ['import {\n  a,\n  b,\n} from "./b.ts";', "./b.ts", "value"],
    ['import * as b from "./b.ts";', "./b.ts", "value"],
    ['import "./b.ts";', "./b.ts", "value"],
    ['export { a } from "./b.ts";', "./b.ts", "value"],
    ['export type { A } from "./b.ts";', "./b.ts", "type"],
    ['const b = await import("./b.ts");', "./b.ts", "dynamic"],
    ['type B = typeof import("./b.ts");', "./b.ts", "type"],
    ['import bytes from "./b.bin" with { type: "file" };', "./b.bin", "value"],
  ];
  for (const [code, specifier, kind] of cases) {
    test(JSON.stringify(code), () => {
      const [found] = parseImports("src/x/a.ts", code);
      expect({ specifier: found?.specifier, kind: found?.kind as string }).toEqual({ specifier, kind });
      expect(found?.target).toBe(specifier.replace("./", "src/x/"));
    });
  }

  test("code that only looks like an import is not one", () => {
    expect(parseImports("a.ts", 'export const text = "x";\nexport function f(a = "y") {}\n')).toEqual([]);
  });
});

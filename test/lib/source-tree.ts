/**
 * The repository's own TypeScript as data, for tests about its shape: files, their folders, their imports.
 *
 * Imports are read with patterns, not with a parser: `Bun.Transpiler.scanImports` drops `import type`, and those
 * count here. Comments are blanked first, keeping line numbers.
 */
import { dirname, join, normalize } from "node:path";

export const repositoryRoot = normalize(join(import.meta.dir, "../.."));

export interface SourceImport {
  /** As written: `../errors.ts`, `node:path`, `tar`. */
  readonly specifier: string;
  /** The file in this repository, relative to its root; absent for packages and built-in modules. */
  readonly target?: string;
  /** `type` is erased, `dynamic` is loaded when reached. */
  readonly kind: "value" | "type" | "dynamic";
}

export interface SourceFile {
  /** Relative to the repository: `src/image/digest.ts`. */
  readonly path: string;
  /** As the import table names it: `src/image`, `ffi`, or the file's own path for a file directly in src. */
  readonly folder: string;
  readonly text: string;
  /** The text with comments blanked out. */
  readonly code: string;
  readonly imports: readonly SourceImport[];
}

/** Reads all TypeScript files that match the glob patterns, relative to the repository. */
export async function loadSourceTree(patterns: readonly string[]): Promise<readonly SourceFile[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    for await (const path of new Bun.Glob(pattern).scan({ cwd: repositoryRoot })) paths.add(path);
  }
  return Promise.all([...paths].sort().map(loadSourceFile));
}

async function loadSourceFile(path: string): Promise<SourceFile> {
  const text = await Bun.file(join(repositoryRoot, path)).text();
  const code = blankComments(text);
  return { path, folder: folderOf(path), text, code, imports: parseImports(path, code) };
}

/** `src/image/x.ts` → `src/image`; `ffi/native/x.ts` → `ffi`; `src/main.ts` → itself. */
export function folderOf(path: string): string {
  const [top = "", second = ""] = path.split("/");
  return top === "src" ? `${top}/${second}` : top;
}

/** Replaces comments by spaces. A `//` after a colon (an address in a string) is left alone. */
export function blankComments(text: string): string {
  const blank = (match: string): string => match.replace(/[^\n]/g, " ");
  return text.replace(/\/\*[\s\S]*?\*\//g, blank).replace(/(?<=^|[\s;{}(),])\/\/.*$/gm, blank);
}

const staticImport = /^[ \t]*(?:import|export)\s+(type\s+)?(?:[^"';()]*?\bfrom\s*)?["']([^"'\n]+)["']/gm;
const dynamicImport = /(typeof\s+)?\bimport\(\s*["']([^"']+)["']/g;

/** All imports and re-exports of a file whose comments are blanked. */
export function parseImports(path: string, code: string): SourceImport[] {
  const imports: SourceImport[] = [];
  const add = (specifier: string, kind: SourceImport["kind"]): void => {
    const target = specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : undefined;
    imports.push(target === undefined ? { specifier, kind } : { specifier, target, kind });
  };
  for (const [, type, specifier = ""] of code.matchAll(staticImport)) add(specifier, type ? "type" : "value");
  for (const [, type, specifier = ""] of code.matchAll(dynamicImport))
    add(specifier, type ? "type" : "dynamic");
  return imports;
}

/** Every file reached from `start` by imports of the kinds in `follow`, `start` included. */
export function reachableFrom(
  start: string,
  tree: readonly SourceFile[],
  follow: readonly SourceImport["kind"][],
): ReadonlySet<string> {
  const byPath = new Map(tree.map((file) => [file.path, file]));
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { target, kind } of byPath.get(path)?.imports ?? []) {
      if (target !== undefined && follow.includes(kind)) visit(target);
    }
  };
  visit(start);
  return seen;
}

/** The first cycle of value imports, as paths with the first repeated at the end; empty when there is none. */
export function findImportCycle(tree: readonly SourceFile[]): readonly string[] {
  const byPath = new Map(tree.map((file) => [file.path, file]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): readonly string[] => {
    const at = trail.indexOf(path);
    if (at >= 0) return [...trail.slice(at), path];
    if (done.has(path)) return [];
    for (const { target, kind } of byPath.get(path)?.imports ?? []) {
      if (target === undefined || kind !== "value") continue;
      const cycle = visit(target, [...trail, path]);
      if (cycle.length > 0) return cycle;
    }
    done.add(path);
    return [];
  };
  for (const file of tree) {
    const cycle = visit(file.path, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

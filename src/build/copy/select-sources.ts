/**
 * The files that a source of COPY names: a path, or a pattern of Go's filepath.Match, in a tree that is never left.
 *
 * Links on the way and at the end are followed inside the tree. What .dockerignore leaves out is not there, whichever
 * way it is named.
 */
import { closeSync, fstatSync, readdirSync, readlinkSync } from "node:fs";
import { openat2 } from "../../../ffi/file.ts";
import { openFlags, resolveFlags } from "../../../ffi/flags.ts";
import { isErrno } from "../../../ffi/syscall-error.ts";
import { matchGlob, parseGlob } from "../glob.ts";
import { cleanPath } from "../ignore-file.ts";
import type { SourceTree } from "../source-tree.ts";

export interface SelectedSource {
  /** As it is named, without a slash in front; empty: the tree itself. */
  readonly path: string;
  /** Where that leads, without links. */
  readonly realPath: string;
  readonly isDirectory: boolean;
}

const inRoot = resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_MAGICLINKS;

/** In the order of their names; several only for a pattern. None: there is nothing of that name. */
export function selectSources(tree: SourceTree, word: string): readonly SelectedSource[] {
  const path = relativePath(word);
  if (!isPattern(word)) {
    const found = lookAt(tree, withoutEscapes(path));
    return found === undefined ? [] : [found];
  }
  let found: readonly string[] = [""];
  for (const name of path.split("/")) found = found.flatMap((directory) => namesBelow(tree, directory, name));
  return found.flatMap((each) => lookAt(tree, each) ?? []);
}

export function isPattern(word: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*[*?[]/.test(word);
}

/** Without `./`, `..` and slashes at either end: nothing names what is above the root. */
export function relativePath(word: string): string {
  const path = cleanPath(`/${word}`);
  return path === "." ? "" : path;
}

/** Opens a path in the tree, links followed; O_PATH, the caller's. undefined: nothing is there. */
export function openInSource(
  tree: SourceTree,
  path: string,
  flags: number = openFlags.O_PATH,
): number | undefined {
  try {
    return openat2(tree.root, path === "" ? "." : path, flags, inRoot);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
}

function lookAt(tree: SourceTree, path: string): SelectedSource | undefined {
  const fd = openInSource(tree, path);
  if (fd === undefined) return undefined;
  try {
    const realPath = pathBelow(tree.root, fd);
    if (isLeftOut(tree, path) || isLeftOut(tree, realPath)) return undefined;
    return { path, realPath, isDirectory: fstatSync(fd).isDirectory() };
  } finally {
    closeSync(fd);
  }
}

/** Ignored, and nothing in it is taken back in. */
function isLeftOut({ ignore }: SourceTree, path: string): boolean {
  return path !== "" && ignore.isIgnored(path) && ignore.canSkip(path);
}

function pathBelow(root: number, fd: number): string {
  const base = readlinkSync(`/proc/self/fd/${root}`);
  const path = readlinkSync(`/proc/self/fd/${fd}`);
  return path.slice(base.length).replace(/^\/+/, "");
}

function namesBelow(tree: SourceTree, directory: string, name: string): readonly string[] {
  const prefix = directory === "" ? "" : `${directory}/`;
  if (!isPattern(name)) return [prefix + withoutEscapes(name)];
  const fd = openInSource(tree, directory, openFlags.O_RDONLY | openFlags.O_DIRECTORY);
  if (fd === undefined) return [];
  const glob = parseGlob(name);
  try {
    const names = readdirSync(`/proc/self/fd/${fd}`, { encoding: "utf8" });
    return names
      .filter((each) => matchGlob(glob, each))
      .sort()
      .map((each) => prefix + each);
  } finally {
    closeSync(fd);
  }
}

/** A backslash before what would mean something in a pattern. */
function withoutEscapes(path: string): string {
  return path.replace(/\\(.)/g, "$1");
}

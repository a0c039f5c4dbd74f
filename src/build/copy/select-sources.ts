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
import { cleanRelative } from "../ignore-file.ts";
import type { SourceTree } from "../source-tree.ts";

export interface SelectedSource {
  /** As it is named, without a slash in front; empty: the tree itself. */
  readonly path: string;
  /** Where that leads, without links. */
  readonly realPath: string;
  readonly isDirectory: boolean;
}

const inRoot = resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_MAGICLINKS;

/**
 * In the order of their names; several only for a pattern. None: there is nothing of that name.
 * With `isDeep`, as `--parents` has it, the name `**` before others stands for any directories, or none.
 */
export function selectSources(tree: SourceTree, word: string, isDeep = false): readonly SelectedSource[] {
  const path = relativePath(word);
  if (!isPattern(word)) {
    const found = lookAt(tree, withoutEscapes(path));
    return found === undefined ? [] : [found];
  }
  let found: readonly string[] = [""];
  const names = path.split("/");
  for (const [index, name] of names.entries()) {
    const isAnyDepth = isDeep && name === "**" && index < names.length - 1;
    found = found.flatMap((directory) =>
      isAnyDepth ? directoriesFrom(tree, directory) : namesBelow(tree, directory, name),
    );
  }
  return outermost([...new Set(found)].flatMap((each) => lookAt(tree, each) ?? []));
}

export function isPattern(word: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*[*?[]/.test(word);
}

/** Without `./`, `..` and slashes at either end: nothing names what is above the root. */
export function relativePath(word: string): string {
  const path = cleanRelative(`/${word}`);
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
    const isDirectory = fstatSync(fd).isDirectory();
    for (const name of new Set([path, realPath])) {
      if (!isIgnored(tree, name)) continue;
      if (!isDirectory || tree.ignore.canSkip(name) || !hasException(tree, realPath, name)) return undefined;
    }
    return { path, realPath, isDirectory };
  } finally {
    closeSync(fd);
  }
}

function isIgnored({ ignore }: SourceTree, path: string): boolean {
  return path !== "" && ignore.isIgnored(path);
}

/** Whether something that is there in an ignored directory is taken back in; it is called `name` by the patterns. */
function hasException(tree: SourceTree, directory: string, name: string): boolean {
  const fd = openInSource(tree, directory, openFlags.O_RDONLY | openFlags.O_DIRECTORY);
  if (fd === undefined) return false;
  try {
    const members = readdirSync(`/proc/self/fd/${fd}`, { encoding: "utf8", withFileTypes: true });
    return members.some((member) => {
      const path = `${name}/${member.name}`;
      if (!isIgnored(tree, path)) return true;
      if (!member.isDirectory() || tree.ignore.canSkip(path)) return false;
      return hasException(tree, `${directory}/${member.name}`, path);
    });
  } finally {
    closeSync(fd);
  }
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

/** The directory and all that are in it, links not followed. */
function directoriesFrom(tree: SourceTree, directory: string): readonly string[] {
  if (isIgnored(tree, directory) && tree.ignore.canSkip(directory)) return [];
  const fd = openInSource(tree, directory, openFlags.O_RDONLY | openFlags.O_DIRECTORY);
  if (fd === undefined) return [];
  try {
    const members = readdirSync(`/proc/self/fd/${fd}`, { encoding: "utf8", withFileTypes: true });
    const prefix = directory === "" ? "" : `${directory}/`;
    const inside = members.filter((each) => each.isDirectory()).map(({ name }) => prefix + name);
    return [directory, ...inside.sort().flatMap((each) => directoriesFrom(tree, each))];
  } finally {
    closeSync(fd);
  }
}

/** Without what is in a directory that is itself among them: that comes with it. */
function outermost(sources: readonly SelectedSource[]): readonly SelectedSource[] {
  if (sources.length < 2) return sources;
  const directories = new Set(sources.filter(({ isDirectory }) => isDirectory).map(({ path }) => path));
  return sources.filter(({ path }) => {
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      if (directories.has(path.slice(0, at))) return false;
    }
    return true;
  });
}

/** A backslash before what would mean something in a pattern. */
function withoutEscapes(path: string): string {
  return path.replace(/\\(.)/g, "$1");
}

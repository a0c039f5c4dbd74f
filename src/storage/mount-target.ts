/**
 * Mount targets that an image names by a symbolic link to nowhere, made where the link leads inside the root.
 *
 * Images of distributions have such links: /etc/resolv.conf to a file that systemd makes at boot. docker follows them
 * within the root and makes what is missing; the kernel does the one or the other, not both. Nothing else is in the
 * root yet, and each step is a single component that is no link: nothing can lead out of it.
 */
import { readlinkSync } from "node:fs";
import { closeQuietly, fchmodat, mkdirat, openat, openat2 } from "../../ffi/file.ts";
import { openFlags, resolveFlags } from "../../ffi/flags.ts";
import { isErrno } from "../../ffi/syscall-error.ts";

export interface MountTarget {
  readonly path: string;
  readonly kind: "file" | "directory";
}

/** As many as the kernel follows (path_resolution(7)). */
const mostLinks = 40;

/** Makes the target where a link of its path leads nowhere. Whatever else is missing or wrong is left to the launch. */
export function makeLinkedTarget(rootFd: number, { path, kind }: MountTarget): void {
  if (!isMissing(rootFd, path)) return;
  const way = followLinks(rootFd, path);
  if (way === undefined) return;
  const { components, detours } = way;
  const last = kind === "file" ? components.pop() : undefined;
  try {
    for (const detour of detours) closeQuietly(makeFolders(rootFd, detour));
    const parent = makeFolders(rootFd, components);
    try {
      if (last !== undefined) makeOnce(() => closeQuietly(openat(parent, last, newFile, 0o755)));
    } finally {
      closeQuietly(parent);
    }
  } catch (error) {
    // A file where a directory has to be: the launch says so with the mount's name.
    if (!isErrno(error, "ENOTDIR")) throw error;
  }
}

/** Makes what is missing of a path without links; opens its last directory, the caller's to close. */
function makeFolders(rootFd: number, components: readonly string[]): number {
  let parent = openFolder(rootFd, []);
  try {
    for (const name of components) {
      makeOnce(() => {
        mkdirat(parent, name, 0o755);
        fchmodat(parent, name, 0o755);
      });
      const next = openFolder(parent, [name]);
      closeQuietly(parent);
      parent = next;
    }
    return parent;
  } catch (error) {
    closeQuietly(parent);
    throw error;
  }
}

const newFile = openFlags.O_WRONLY | openFlags.O_CREAT | openFlags.O_EXCL | openFlags.O_CLOEXEC;

function makeOnce(make: () => void): void {
  try {
    make();
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
}

/** Anything but ENOENT is the launch's to explain. */
function isMissing(rootFd: number, path: string): boolean {
  const resolve = resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_MAGICLINKS;
  try {
    closeQuietly(openat2(rootFd, path, openFlags.O_PATH | openFlags.O_CLOEXEC, resolve));
    return false;
  } catch (error) {
    return isErrno(error, "ENOENT");
  }
}

interface Way {
  /** The path without its links. */
  readonly components: string[];
  /** Directories that a link goes into and out of again (`missing/../x`): the kernel wants them there. */
  readonly detours: readonly (readonly string[])[];
}

/** Undefined where the path has no links, or too many. */
function followLinks(rootFd: number, path: string): Way | undefined {
  const done: string[] = [];
  const detours: string[][] = [];
  const pending = partsOf(path).reverse();
  let links = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === "..") {
      detours.push([...done]);
      done.pop();
      continue;
    }
    const link = readLink(rootFd, done, part);
    if (link === undefined) {
      done.push(part);
      continue;
    }
    if (++links > mostLinks) return undefined;
    if (link.startsWith("/")) done.length = 0;
    pending.push(...partsOf(link).reverse());
  }
  return links > 0 ? { components: done, detours } : undefined;
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

/** Where the link leads; undefined for what is no link or missing. */
function readLink(rootFd: number, folder: readonly string[], name: string): string | undefined {
  let parent: number | undefined;
  try {
    parent = openFolder(rootFd, folder);
    return readlinkSync(`/proc/self/fd/${parent}/${name}`);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR") || isNoLink(error)) return undefined;
    throw error;
  } finally {
    closeQuietly(parent);
  }
}

function isNoLink(error: unknown): boolean {
  const { code } = error as { readonly code?: string };
  return code === "EINVAL" || code === "ENOENT";
}

function openFolder(rootFd: number, components: readonly string[]): number {
  const flags = openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC;
  return openat2(
    rootFd,
    components.join("/") || ".",
    flags,
    resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_SYMLINKS,
  );
}

/**
 * Directories of `RUN --mount=type=cache`: they outlive builds, and belong to whoever names them alike.
 *
 *   build/HEX/data     HEX: digest of the id and of what it was made with; HEX.1 … for `private` ones
 *   build/HEX.lock     held, shared or alone, while a step has it; the kernel lets go for who dies
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { closeQuietly, flock } from "../../../ffi/file.ts";
import { isErrno } from "../../../ffi/syscall-error.ts";
import { keyOf } from "../../build/layer-cache.ts";
import { digestHex, parseDigest } from "../../image/digest.ts";
import { copyTree } from "../../storage/copy-tree.ts";
import { removeTree } from "../../storage/remove-tree.ts";
import type { Engine } from "../engine.ts";
import type { SandboxPlace } from "./build-sandbox.ts";
import type { StepMount } from "./step-request.ts";

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const longestWaitMs = 200;

/** A directory that is this step's until it is disposed of. */
export interface CacheDirectory extends Disposable {
  readonly path: string;
}

/**
 * Finds or makes the directory of a mount, and waits for it where others must not have it at the same time.
 * `openContent` gives a descriptor of what a new one begins with; undefined: nothing.
 */
export async function openCacheDirectory(
  engine: Engine,
  place: SandboxPlace,
  step: StepMount,
  openContent: (() => Disposable & { readonly path: string }) | undefined,
  signal: AbortSignal,
): Promise<CacheDirectory> {
  const { buildMounts } = engine.paths;
  mkdirSync(buildMounts, { recursive: true, mode: 0o700 });
  const { lock, directory } = await takeDirectory(join(buildMounts, nameOf(step)), step, signal);
  try {
    const path = join(directory, "data");
    if (!existsSync(path)) makeData(place, step, directory, openContent);
    utimesSync(directory, new Date(), new Date());
    return { path, [Symbol.dispose]: () => closeQuietly(lock) };
  } catch (error) {
    closeQuietly(lock);
    throw error;
  }
}

/** A directory that steps may find again. */
export interface CacheMount {
  readonly name: string;
  readonly path: string;
  readonly createdAtMs: number;
  readonly usedAtMs: number;
}

export function listCacheMounts({ paths }: Engine): readonly CacheMount[] {
  if (!existsSync(paths.buildMounts)) return [];
  return readdirSync(paths.buildMounts).flatMap((name) => {
    const path = join(paths.buildMounts, name);
    const stat = name.endsWith(".lock") ? undefined : statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return [{ name, path, createdAtMs: stat.birthtimeMs, usedAtMs: stat.mtimeMs }];
  });
}

/** False: a step has it. */
export function removeCacheMount({ paths }: Engine, { path }: CacheMount): boolean {
  const lock = tryLock(`${path}.lock`, LOCK_EX);
  if (lock === undefined) return false;
  try {
    removeTree(paths, path);
    rmSync(`${path}.lock`, { force: true });
    return true;
  } finally {
    closeQuietly(lock);
  }
}

/** By the id, and by what a new one looks like. */
function nameOf({ mount, target, content }: StepMount): string {
  const { id = target, uid, gid, mode } = mount;
  const { layers, subpath } = content ?? {};
  return digestHex(parseDigest(keyOf({ id, uid, gid, mode, layers, subpath }))).slice(0, 32);
}

async function takeDirectory(
  path: string,
  { mount }: StepMount,
  signal: AbortSignal,
): Promise<{ readonly lock: number; readonly directory: string }> {
  const operation = mount.sharing === "shared" ? LOCK_SH : LOCK_EX;
  for (let waitMs = 5, number = 0; ; ) {
    signal.throwIfAborted();
    const directory = number === 0 ? path : `${path}.${number}`;
    const lock = tryLock(`${directory}.lock`, operation);
    if (lock !== undefined) return { lock, directory };
    if (mount.sharing === "private") number += 1;
    else {
      await Bun.sleep(waitMs);
      waitMs = Math.min(waitMs * 2, longestWaitMs);
    }
  }
}

function tryLock(path: string, operation: number): number | undefined {
  const fd = openSync(path, "a", 0o600);
  try {
    flock(fd, operation | LOCK_NB);
    if (isFileAt(fd, path)) return fd;
    // A prune has removed it meanwhile.
    closeQuietly(fd);
    return undefined;
  } catch (error) {
    closeQuietly(fd);
    if (isErrno(error, "EAGAIN")) return undefined;
    throw error;
  }
}

function isFileAt(fd: number, path: string): boolean {
  return fstatSync(fd).ino === statSync(path, { throwIfNoEntry: false })?.ino;
}

/** Made in the build's own folder and moved: whole, or not there. Another step may be quicker. */
function makeData(
  place: SandboxPlace,
  { mount }: StepMount,
  directory: string,
  openContent: (() => Disposable & { readonly path: string }) | undefined,
): void {
  const made = join(place.folder, `cache-${directory.slice(directory.lastIndexOf("/") + 1)}`);
  mkdirSync(join(made, "data"), { recursive: true });
  if (openContent !== undefined) {
    using content = openContent();
    copyTree(content.path, join(made, "data"));
  }
  const { uid, gid, mode } = mount;
  if (openContent === undefined || uid !== undefined || gid !== undefined)
    chownSync(join(made, "data"), uid ?? 0, gid ?? 0);
  if (openContent === undefined || mode !== undefined) chmodSync(join(made, "data"), mode ?? 0o755);
  try {
    renameSync(made, directory);
  } catch (error) {
    if (!["EEXIST", "ENOTEMPTY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

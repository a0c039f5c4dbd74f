/**
 * Removes what crashes left behind under tmp/: half-unpacked layers, trash, and names of layers that never came.
 *
 * Something is dead when its lock can be had: layer-X.RANDOM belongs to whoever holds layer-X.lock, a partial blob to
 * whoever holds itself. Partial blobs are worth something (a pull resumes them) and stay for a week.
 */
import { existsSync, readdirSync, rmSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { sweepTemporaryFiles } from "../host/atomic-file.ts";
import { nowMs } from "../host/clock.ts";
import { tryLockFile } from "../host/lock-file.ts";
import type { Paths } from "../host/paths.ts";
import { removeTree } from "./remove-tree.ts";
import { tryLockTransient } from "./transient-lock.ts";

const dayMs = 24 * 60 * 60 * 1000;

export interface SweepOptions {
  /** Partial blobs older than this go; seven days when absent, 0 for a prune. */
  readonly partMaxAgeMs?: number;
}

/** Cheap when there is nothing to do (two readdirs). Never touches what a living process works on. */
export function sweepStorage(paths: Paths, options: SweepOptions = {}): void {
  if (!existsSync(paths.tmp)) return;
  for (const name of readdirSync(paths.tmp)) sweepEntry(paths, name, options.partMaxAgeMs ?? 7 * dayMs);
  if (existsSync(paths.imageLayout)) sweepTemporaryFiles(paths.imageLayout, dayMs);
  if (existsSync(paths.layers)) sweepOrphanFacts(paths);
}

/** Names under tmp/ that sweepStorage would remove now, unfinished downloads aside. */
export function findLeftovers(paths: Paths): readonly string[] {
  if (!existsSync(paths.tmp)) return [];
  return readdirSync(paths.tmp).filter((name) => {
    if (name.startsWith("trash-")) return true;
    if (/^chain-.*\.partial$/.test(name)) return isUnlocked(paths, "chain.lock");
    if (!/^(?:layer|import)-/.test(name) || name.endsWith(".lock")) return false;
    using lock = tryLockTransient(join(paths.tmp, lockName(name)), { removeFile: true });
    return lock !== undefined;
  });
}

function isUnlocked(paths: Paths, name: string): boolean {
  using lock = tryLockFile(join(paths.tmp, name));
  return lock !== undefined;
}

function sweepEntry(paths: Paths, name: string, partMaxAgeMs: number): void {
  const path = join(paths.tmp, name);
  if (name.startsWith("trash-")) removeTree(paths, path);
  else if (name.endsWith(".part")) sweepPart(path, partMaxAgeMs);
  else if (/^(?:layer|import)-/.test(name)) sweepLocked(paths, name);
  else if (/^chain-.*\.partial$/.test(name)) sweepChain(paths, path);
}

function sweepPart(path: string, maxAgeMs: number): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || nowMs() - stat.mtimeMs < maxAgeMs) return;
  using lock = tryLockTransient(path);
  if (lock !== undefined) unlinkSync(path);
}

/** Taking the lock also makes its file, and letting go removes it. */
function sweepLocked(paths: Paths, name: string): void {
  using lock = tryLockTransient(join(paths.tmp, lockName(name)), { removeFile: true });
  if (lock !== undefined && !name.endsWith(".lock")) removeTree(paths, join(paths.tmp, name));
}

/** The lock of `layer-HEX.RANDOM` is `layer-HEX.lock`. */
function lockName(name: string): string {
  return `${name.slice(0, name.lastIndexOf("."))}.lock`;
}

/** The btrfs driver fills one chain at a time, under one lock. */
function sweepChain(paths: Paths, path: string): void {
  using lock = tryLockFile(join(paths.tmp, "chain.lock"));
  if (lock !== undefined) removeTree(paths, path);
}

/** Facts are written just before a layer gets its name. */
function sweepOrphanFacts(paths: Paths): void {
  for (const name of readdirSync(paths.layers)) {
    if (!name.endsWith(".json")) continue;
    const hex = name.slice(0, -".json".length);
    if (existsSync(join(paths.layers, hex))) continue;
    using lock = tryLockTransient(join(paths.tmp, `layer-${hex}.lock`), { removeFile: true });
    if (lock !== undefined && !existsSync(join(paths.layers, hex)))
      rmSync(join(paths.layers, name), { force: true });
  }
}

/**
 * Paths and names in mounts: what docker's daemon checks of them (volume/mounts/linux_parser.go). Pure.
 */
import { posix } from "node:path";
import type { MountConfig } from "./container-config.ts";
import { EngineRefusal } from "./engine-refusal.ts";

/** The target, cleaned; throws Error(reason) when it is relative or the root. */
export function parseMountTarget(text: string): string {
  if (text === "") throw new Error("field Target must not be empty");
  if (!text.startsWith("/"))
    throw new EngineRefusal(`invalid mount path: '${text}' mount path must be absolute`);
  const target = cleanPath(text);
  if (target === "/") throw new Error("invalid specification: destination can't be '/'");
  return target;
}

/** Go's filepath.Clean: without `.`, `..`, doubled and trailing slashes. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}

/** Throws Error(reason) for what cannot be the name of a local volume. */
export function checkVolumeName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return;
  if (name.length === 1) {
    throw new Error("volume name is too short, names should be at least two alphanumeric characters");
  }
  throw new Error(
    `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}

/**
 * Mounts in the order in which they must be made: parents before what lies under them, otherwise as asked.
 * Throws Error(reason) when two have the same target.
 */
export function orderMounts(mounts: readonly MountConfig[]): readonly MountConfig[] {
  const seen = new Set<string>();
  for (const { target } of mounts) {
    if (seen.has(target)) throw new Error(`Duplicate mount point: ${target}`);
    seen.add(target);
  }
  const depth = (mount: MountConfig) => mount.target.split("/").length;
  return mounts.toSorted((a, b) => depth(a) - depth(b) || (a.target < b.target ? -1 : 1));
}

/**
 * Where a copied file or directory goes and what it is called there: docker's rules, which are cp(1)'s with a twist for
 * `dir/.`. Pure.
 *
 * Rules and phrases: moby's pkg/archive/copy.go, PrepareArchiveCopy.
 */
import { posix } from "node:path";
import { BockerError } from "../errors.ts";

export interface CopySource {
  readonly isDirectory: boolean;
  /** Its last name. */
  readonly base: string;
  /** `dir/.`: what is in it, not the directory itself. */
  readonly contentsOnly: boolean;
}

export interface CopyTarget {
  /** Absolute; links at its end have been followed. */
  readonly path: string;
  readonly kind: "directory" | "other" | "missing";
  /** It was written with a slash at its end. */
  readonly assertsDirectory: boolean;
}

export interface CopyPlan {
  /** Must exist; members are written into it. */
  readonly directory: string;
  /** What the copy is called in it; empty: its members go there by themselves. */
  readonly name: string;
}

/** Throws docker's refusals: `cannot copy directory`, `no such directory`, `not a directory`. */
export function planCopy(source: CopySource, target: CopyTarget): CopyPlan {
  const { path, kind, assertsDirectory } = target;
  if (kind === "directory") return { directory: path, name: source.contentsOnly ? "" : source.base };
  if (kind === "other" && assertsDirectory) throw refusal("not a directory");
  if (kind === "other" && source.isDirectory) throw refusal("cannot copy directory");
  if (kind === "missing" && !source.isDirectory && assertsDirectory) throw refusal("no such directory");
  return { directory: posix.dirname(path), name: posix.basename(path) };
}

/** Whether a path says that it is a directory. */
export function assertsDirectory(path: string): boolean {
  return path.endsWith("/") || isContents(path);
}

/** Whether a path means what is in the directory: `dir/.`, and the root, which has no name. */
export function isContents(path: string): boolean {
  return path === "." || path.endsWith("/.") || posix.normalize(path) === "/";
}

function refusal(reason: string): BockerError {
  return new BockerError(reason, { kind: "conflict" });
}

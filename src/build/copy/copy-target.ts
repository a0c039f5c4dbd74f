/**
 * The tree that COPY copies into: what of it is there already, and what the new layer adds. Nothing is written; links of
 * the tree are followed inside of it, by name, since nobody changes it meanwhile.
 */
import { type BigIntStats, lstatSync, readlinkSync } from "node:fs";
import { BockerError } from "../../errors.ts";
import { statUnlessGone } from "../../storage/tree-walk.ts";

export type PlaceKind = "directory" | "other";

const maxLinks = 40;

/** Paths are absolute, their bytes one a character. */
export class CopyTarget {
  /** What the layer itself has by now. */
  readonly #made = new Map<string, PlaceKind>();
  /** Directories that the layer makes, anew or in place of something else: nothing of the tree is in them. */
  readonly #own = new Set<string>();
  /** Descriptor of the root so far; undefined: there are no files yet. */
  readonly #root: number | undefined;

  constructor(root: number | undefined) {
    this.#root = root;
  }

  /** What is at a path that resolve() gave; undefined: nothing. */
  kindOf(path: string): PlaceKind | undefined {
    if (path === "/") return "directory";
    const made = this.#made.get(path);
    if (made !== undefined) return made;
    if (this.#isInOwn(path)) return undefined;
    const stat = this.#lstat(path);
    if (stat === undefined) return undefined;
    return stat.isDirectory() ? "directory" : "other";
  }

  /** The directory that the tree has there; undefined: it has none, or the layer makes it. */
  directoryAt(path: string): { readonly path: string; readonly stat: BigIntStats } | undefined {
    if (this.#root === undefined || this.#made.has(path)) return undefined;
    const place = `/proc/self/fd/${this.#root}${path}`;
    const stat = statUnlessGone(place);
    return stat?.isDirectory() ? { path: place, stat } : undefined;
  }

  note(path: string, kind: PlaceKind): void {
    if (kind === "directory" && this.kindOf(path) !== "directory") this.#own.add(path);
    this.#made.set(path, kind);
  }

  /** The path without links; what does not exist of it stays as it is named. A slash at its end is gone. */
  resolve(path: string): string {
    const todo = namesOf(path);
    let real: string[] = [];
    for (let links = 0; todo.length > 0; ) {
      const name = todo.shift() ?? "";
      if (name === "..") {
        real.pop();
        continue;
      }
      const place = `/${[...real, name].join("/")}`;
      const link = this.#made.has(place) ? undefined : this.#readLink(place);
      if (link === undefined) {
        real.push(name);
        continue;
      }
      links += 1;
      if (links > maxLinks) {
        throw new BockerError(`too many links on the way to ${JSON.stringify(path)}`, { kind: "conflict" });
      }
      if (link.startsWith("/")) real = [];
      todo.unshift(...namesOf(link));
    }
    return `/${real.join("/")}`;
  }

  #isInOwn(path: string): boolean {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (this.#own.has(path.slice(0, end))) return true;
    }
    return false;
  }

  #readLink(path: string): string | undefined {
    if (this.#lstat(path)?.isSymbolicLink() !== true) return undefined;
    return readlinkSync(this.#pathOf(path), { encoding: "latin1" });
  }

  #lstat(path: string) {
    if (this.#root === undefined) return undefined;
    try {
      return lstatSync(this.#pathOf(path), { throwIfNoEntry: false });
    } catch (error) {
      // A file stands where a directory should: the path itself is not there.
      if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return undefined;
      throw error;
    }
  }

  #pathOf(path: string): Buffer {
    return Buffer.from(`/proc/self/fd/${this.#root}${path}`, "latin1");
  }
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/**
 * COPY as the tar of its layer: what the sources name, under the names that it gets in the target.
 *
 * Only what the layer adds or changes is in it, and the directories above as they are: a layer that does not say how a
 * directory is would make it anew, root's. The bytes depend on names, modes, owners and contents alone, so that their digest is the step's cache key.
 * Rules of places: https://docs.docker.com/reference/dockerfile/#copy
 */
import { type BigIntStats, closeSync } from "node:fs";
import { openFlags } from "../../../ffi/flags.ts";
import { BockerError } from "../../errors.ts";
import { EntryPacker } from "../../storage/pack-entry.ts";
import { encodeTarEntry, tarEndMark, tarPadding } from "../../storage/tar-encode.ts";
import type { TarEntry } from "../../storage/tar-entry.ts";
import { statUnlessGone, type TreeMember, walkTree } from "../../storage/tree-walk.ts";
import type { IgnoreRules } from "../ignore-file.ts";
import type { SourceTree } from "../source-tree.ts";
import type { InlineFile } from "../stage-state.ts";
import type { ChangeMode } from "./chmod-mode.ts";
import type { CopyTarget } from "./copy-target.ts";
import { openInSource, type SelectedSource } from "./select-sources.ts";

export interface CopyRules {
  /** Of `--chown`; undefined: files keep theirs, those of a context become root's. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly mode: ChangeMode | undefined;
  /** Of directories that are made on the way: what an octal `--chmod` says, else 0755. */
  readonly parentMode: number;
  /** Below each source. */
  readonly exclude: IgnoreRules;
  /** Time of everything that is made here, seconds since the epoch; and no file is later. */
  readonly seconds: number;
}

/** One source, and where it goes. */
export interface CopyItem {
  readonly tree: SourceTree;
  readonly source: SelectedSource;
  /** Absolute; with a slash at its end where it must be a directory. */
  readonly destination: string;
  /** `--parents`: directories above the source, outermost first, made again below the destination as they are. */
  readonly parents?: readonly SelectedSource[];
}

/** Writes one layer, item by item. */
export class CopyPacker {
  readonly #target: CopyTarget;
  readonly #rules: CopyRules;
  readonly #packers = new Map<SourceTree, EntryPacker>();
  /** Directories of the target that the layer has said again. */
  readonly #kept = new Set<string>();
  readonly #keeper: EntryPacker;
  #isEmpty = true;

  constructor(target: CopyTarget, rules: CopyRules) {
    this.#target = target;
    this.#rules = rules;
    this.#keeper = new EntryPacker({ latestSeconds: rules.seconds });
  }

  /** Throws kind `conflict` where a file stands in the way. */
  *pack(item: CopyItem): Generator<Buffer> {
    const destination = yield* this.#enterDestination(item.destination);
    if (item.parents !== undefined) {
      yield* this.#packWithParents(item, item.parents, destination);
      return;
    }
    if (item.source.isDirectory) {
      // What it is copied into is made as a directory of the target's, not as this one is.
      if (this.#target.kindOf(destination) !== "other") yield* this.makeDirectories(destination);
      yield* this.#packDirectory(item, destination);
    } else {
      const place = yield* this.#placeOfFile(bytesOf(item.source.path), destination);
      yield* this.#packItself(item.tree, item.source, place);
    }
  }

  *#packWithParents(
    { tree, source, destination }: CopyItem,
    parents: readonly SelectedSource[],
    base: string,
  ): Generator<Buffer> {
    yield* this.makeDirectories(base);
    let place = base;
    for (const parent of parents) {
      place = `${withSlash(place)}${bytesOf(lastName(parent.path))}`;
      yield* this.#packItself(tree, parent, place);
    }
    const own = `${withSlash(place)}${bytesOf(lastName(source.path))}`;
    if (source.isDirectory) yield* this.#packDirectory({ tree, source, destination }, own);
    else yield* this.#packItself(tree, source, own);
  }

  /** A document of the Dockerfile's, mode 0644. */
  *packDocument({ name, content }: InlineFile, destination: string): Generator<Buffer> {
    const place = yield* this.#placeOfFile(bytesOf(name), yield* this.#enterDestination(destination));
    const bytes = Buffer.from(content);
    this.#claim(place);
    yield* this.#keepAbove(place);
    yield this.#encode({ ...this.#made(place, 0o644, false), size: bytes.length });
    yield bytes;
    const padding = tarPadding(bytes.length);
    if (padding.length > 0) yield padding;
  }

  /** Nothing at all where nothing was copied. */
  *end(): Generator<Buffer> {
    if (!this.#isEmpty) yield tarEndMark;
  }

  /** The destination as a directory, with nothing in it that was not there. */
  *makeDestination(destination: string): Generator<Buffer> {
    yield* this.makeDirectories(this.#target.resolve(bytesOf(destination)));
  }

  /** A destination that must be a directory is made one; links on its way are followed. */
  *#enterDestination(destination: string): Generator<Buffer, string> {
    const place = this.#target.resolve(bytesOf(destination));
    if (destination.endsWith("/")) yield* this.makeDirectories(place);
    return place;
  }

  /** Into a directory under its own name; else it takes the place itself. */
  *#placeOfFile(name: string, destination: string): Generator<Buffer, string> {
    const isInto = this.#target.kindOf(destination) === "directory";
    const place = isInto ? `${withSlash(destination)}${name.slice(name.lastIndexOf("/") + 1)}` : destination;
    yield* this.makeDirectories(parentOf(place));
    return place;
  }

  /** Those that are missing on the way to `path` and itself. */
  *makeDirectories(path: string): Generator<Buffer> {
    const names = path.split("/").filter((name) => name !== "");
    for (let depth = 1; depth <= names.length; depth++) {
      const place = `/${names.slice(0, depth).join("/")}`;
      const kind = this.#target.kindOf(place);
      if (kind === "other") throw new BockerError(`mkdir ${place}: not a directory`, { kind: "conflict" });
      if (kind === "directory") continue;
      yield* this.#keepAbove(place);
      this.#target.note(place, "directory");
      yield this.#encode(this.#made(place, this.#rules.parentMode, true));
    }
  }

  /** The target's directories above what is about to be written, outermost first; nothing of them changes. */
  *#keepAbove(place: string): Generator<Buffer> {
    const parent = parentOf(place);
    if (parent === "/" || this.#kept.has(parent)) return;
    this.#kept.add(parent);
    yield* this.#keepAbove(parent);
    const found = this.#target.directoryAt(parent);
    if (found !== undefined) yield* this.#keeper.pack({ name: `${parent.slice(1)}/`, ...found });
  }

  /** A file or a directory alone, under the name `place`; a directory that is there stays as it is. */
  *#packItself(tree: SourceTree, { realPath }: SelectedSource, place: string): Generator<Buffer> {
    const cut = realPath.lastIndexOf("/");
    const parent = openInSource(tree, realPath.slice(0, Math.max(0, cut)));
    if (parent === undefined) return;
    try {
      const path = `/proc/self/fd/${parent}/${bytesOf(realPath.slice(cut + 1))}`;
      const stat = statUnlessGone(path);
      if (stat !== undefined) yield* this.#place(tree, { name: place, path, stat });
    } finally {
      closeSync(parent);
    }
  }

  /** What is in the directory; itself where there is none at `destination` yet. */
  *#packDirectory(item: CopyItem, destination: string): Generator<Buffer> {
    const { tree, source } = item;
    const fd = openInSource(tree, source.realPath, openFlags.O_RDONLY | openFlags.O_DIRECTORY);
    if (fd === undefined) return;
    try {
      const waiting: TreeMember[] = [];
      const isIgnored = (path: string) => this.#isIgnored(tree, source, path);
      const members = walkTree(fd, {
        enters: ({ name }) => !isIgnored(name) || !this.#canSkip(tree, source, name),
      });
      for (const member of members) {
        const place =
          member.name === "./" ? destination : `${withSlash(destination)}${withoutSlash(member.name)}`;
        const placed = { ...member, name: place };
        while (waiting.length > 0 && !isBelow(place, waiting.at(-1)?.name ?? "")) waiting.pop();
        if (member.name !== "./" && isIgnored(member.name)) {
          // An ignored directory is made after all when something in it is not ignored.
          if (member.stat.isDirectory()) waiting.push(placed);
          continue;
        }
        for (const directory of waiting.splice(0)) yield* this.#place(tree, directory);
        yield* this.#place(tree, placed);
      }
    } finally {
      closeSync(fd);
    }
  }

  #isIgnored(tree: SourceTree, source: SelectedSource, name: string): boolean {
    const inside = textOf(withoutSlash(name));
    const path = source.realPath === "" ? inside : `${source.realPath}/${inside}`;
    return tree.ignore.isIgnored(path) || this.#rules.exclude.isIgnored(inside);
  }

  #canSkip(tree: SourceTree, source: SelectedSource, name: string): boolean {
    const inside = textOf(withoutSlash(name));
    const path = source.realPath === "" ? inside : `${source.realPath}/${inside}`;
    const isOut = tree.ignore.isIgnored(path);
    return isOut ? tree.ignore.canSkip(path) : this.#rules.exclude.canSkip(inside);
  }

  *#place(tree: SourceTree, member: TreeMember): Generator<Buffer> {
    const kind = this.#target.kindOf(member.name);
    if (member.stat.isDirectory()) {
      if (kind === "directory") return;
      if (kind === "other" && tree.isArchive !== true) {
        throw new BockerError(`cannot copy to non-directory: ${member.name}`, { kind: "conflict" });
      }
      this.#target.note(member.name, "directory");
    } else if (tree.isArchive === true) this.#target.note(member.name, "other");
    else this.#claim(member.name);
    yield* this.#emit(tree, member);
  }

  /** For a file. */
  #claim(place: string): void {
    if (this.#target.kindOf(place) === "directory") {
      throw new BockerError(`cannot replace to directory ${place} with file`, { kind: "conflict" });
    }
    this.#target.note(place, "other");
  }

  *#emit(tree: SourceTree, member: TreeMember): Generator<Buffer> {
    if (/\/\.wh\.[^/]*$/.test(member.name)) {
      throw new BockerError(
        `cannot copy ${JSON.stringify(member.name)}: in a layer such a name removes a file`,
        {
          kind: "unsupported",
        },
      );
    }
    this.#isEmpty = false;
    yield* this.#keepAbove(member.name);
    const packer = this.#packers.getOrInsertComputed(tree, () => {
      return new EntryPacker({ rewrite: (entry, stat) => this.#rewrite(tree, entry, stat) });
    });
    const name = member.name.slice(1);
    yield* packer.pack({ ...member, name: member.stat.isDirectory() ? `${name}/` : name });
  }

  #rewrite(tree: SourceTree, entry: TarEntry, stat: BigIntStats): TarEntry {
    const { owner, mode, seconds } = this.#rules;
    const root = tree.isContext ? { uid: 0, gid: 0 } : {};
    const isLater = tree.isContext || entry.modified.seconds >= seconds;
    return {
      ...entry,
      ...root,
      ...(owner ?? {}),
      mode:
        mode === undefined || tree.isArchive || stat.isSymbolicLink()
          ? entry.mode
          : mode(entry.mode, stat.isDirectory()),
      modified: isLater ? { seconds, nanoseconds: 0 } : entry.modified,
    };
  }

  #made(place: string, mode: number, isDirectory: boolean): TarEntry {
    const { owner, seconds } = this.#rules;
    const time = { seconds, nanoseconds: 0 };
    return {
      kind: isDirectory ? "directory" : "file",
      name: isDirectory ? `${place.slice(1)}/` : place.slice(1),
      linkName: "",
      mode: isDirectory ? mode : (this.#rules.mode?.(mode, false) ?? mode),
      uid: owner?.uid ?? 0,
      gid: owner?.gid ?? 0,
      size: 0,
      modified: time,
      accessed: time,
      deviceMajor: 0,
      deviceMinor: 0,
      xattrs: new Map(),
    };
  }

  #encode(entry: TarEntry): Buffer {
    this.#isEmpty = false;
    return encodeTarEntry(entry);
  }
}

/** Text to its bytes, one a character. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}

function textOf(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString();
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}

function withoutSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`);
}

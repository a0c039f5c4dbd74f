/**
 * What a container has changed, as the tar of an OCI layer: added and changed members, `.wh.NAME` for removed ones,
 * `.wh..wh..opq` in directories that hide what was below.
 *
 * Overlay keeps the changes apart (packUpper); the other drivers have a whole copy, which is held against the
 * image's tree (packDifference). Reads only; see tree-walk.ts for what a hostile container cannot do to it.
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md
 */
import { type BigIntStats, closeSync, constants, readlinkSync } from "node:fs";
import { bytePath, lgetxattr } from "../../ffi/file-metadata.ts";
import { EntryPacker, type PackOptions, readXattrs } from "./pack-entry.ts";
import { tarEndMark } from "./tar-encode.ts";
import {
  asBytes,
  openUnlessGone,
  sortedNames,
  statUnlessGone,
  type TreeMember,
  unlessGone,
  walkTree,
} from "./tree-walk.ts";

export interface LayerPackOptions extends PackOptions {
  /** The root's own mode or owner is another than the image's. */
  readonly rootChanged: boolean;
  /** Hears of a member that a layer cannot name: its name begins with `.wh.`, which means a removal. */
  readonly onLeftOut?: (name: string) => void;
  /** For packDifference: names that are changed for certain, however alike both look. */
  readonly certain?: ReadonlySet<string>;
}

const whiteoutPrefix = ".wh.";
const opaqueMark = ".wh..wh..opq";

/** The layer of an overlay's upper directory. Nothing at all, not even an end, where nothing has changed. */
export function* packUpper(upper: number, options: LayerPackOptions): Generator<Buffer> {
  const packer = new EntryPacker(options);
  let isEmpty = true;
  for (const member of walkTree(upper, { enters: (directory) => !isReserved(directory.name) })) {
    if (member.name === "./" && !options.rootChanged) continue;
    isEmpty = false;
    if (isReserved(member.name)) options.onLeftOut?.(member.name);
    else if (isWhiteout(member.stat)) yield packer.mark(whiteoutOf(member.name));
    else {
      yield* packer.pack(member);
      if (member.stat.isDirectory() && isOpaque(member.path))
        yield packer.mark(`${member.name}${opaqueMark}`);
    }
  }
  if (!isEmpty) yield tarEndMark;
}

/**
 * The layer that turns the tree `base` (undefined: an empty one) into the tree `changed`: two descriptors. Nothing
 * when they are the same.
 */
export function* packDifference(
  base: number | undefined,
  changed: number,
  options: LayerPackOptions,
): Generator<Buffer> {
  const comparison = new Comparison(options);
  if (options.rootChanged) {
    const [root] = walkTree(changed, { enters: () => false });
    if (root !== undefined) yield* comparison.packer.pack(root);
  }
  yield* comparison.compare(base, changed, "");
  if (options.rootChanged || comparison.found) yield tarEndMark;
}

class Comparison {
  readonly packer: EntryPacker;
  readonly #options: LayerPackOptions;
  /** Directories on the way to where it is: in the layer too when something below them is, as overlay has it. */
  readonly #above: { readonly member: TreeMember; isPacked: boolean }[] = [];
  found = false;

  constructor(options: LayerPackOptions) {
    this.packer = new EntryPacker(options);
    this.#options = options;
  }

  /** Members of one directory in both trees, by name; `base` is undefined where all is new. */
  *compare(base: number | undefined, changed: number, prefix: string): Generator<Buffer> {
    const now = sortedNames(changed);
    const before = base === undefined ? [] : sortedNames(base);
    const names = [...new Set([...now, ...before])].sort();
    const isThere = new Set(now);
    for (const name of names) {
      if (isThere.has(name)) yield* this.#compareMember(base, changed, prefix, name);
      else yield* this.#mark(whiteoutOf(prefix + name));
    }
  }

  *#compareMember(
    base: number | undefined,
    changed: number,
    prefix: string,
    name: string,
  ): Generator<Buffer> {
    const member = memberAt(changed, prefix, name);
    if (member === undefined) return;
    if (isReserved(member.name)) {
      this.#options.onLeftOut?.(member.name);
      return;
    }
    const old = base === undefined ? undefined : memberAt(base, prefix, name);
    const isChanged =
      old === undefined || this.#options.certain?.has(member.name) === true || !isSame(old, member);
    if (isChanged) {
      yield* this.#packAbove();
      // What is no directory any more hides what was in it; a directory in place of a file needs no mark.
      yield* this.packer.pack(member);
    }
    if (!member.stat.isDirectory()) return;
    this.#above.push({ member, isPacked: isChanged });
    yield* this.#enter(old, member);
    this.#above.pop();
  }

  *#enter(old: TreeMember | undefined, member: TreeMember): Generator<Buffer> {
    const changed = openUnlessGone(member.path, constants.O_RDONLY | constants.O_DIRECTORY);
    if (changed === undefined) return;
    const wasDirectory = old?.stat.isDirectory() === true;
    const base = wasDirectory
      ? openUnlessGone(old.path, constants.O_RDONLY | constants.O_DIRECTORY)
      : undefined;
    try {
      yield* this.compare(base, changed, member.name);
    } finally {
      closeSync(changed);
      if (base !== undefined) closeSync(base);
    }
  }

  *#mark(name: string): Generator<Buffer> {
    yield* this.#packAbove();
    yield this.packer.mark(name);
  }

  *#packAbove(): Generator<Buffer> {
    this.found = true;
    for (const directory of this.#above) {
      if (!directory.isPacked) yield* this.packer.pack(directory.member);
      directory.isPacked = true;
    }
  }
}

export function memberAt(directory: number, prefix: string, name: string): TreeMember | undefined {
  const path = `/proc/self/fd/${directory}/${name}`;
  const stat = statUnlessGone(path);
  if (stat === undefined) return undefined;
  return { name: `${prefix}${name}${stat.isDirectory() ? "/" : ""}`, path, stat };
}

/** As docker compares: content is taken for the same when size and modification time are. */
export function isSame(old: TreeMember, now: TreeMember): boolean {
  const [a, b] = [old.stat, now.stat];
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.rdev !== b.rdev) return false;
  if (!a.isDirectory() && (a.size !== b.size || a.mtimeNs !== b.mtimeNs)) return false;
  if (a.isSymbolicLink() && linkOf(old.path) !== linkOf(now.path)) return false;
  return Bun.deepEquals([...readXattrs(old.path)], [...readXattrs(now.path)]);
}

function linkOf(path: string): string | undefined {
  return unlessGone(() => readlinkSync(asBytes(path), { encoding: "latin1" }));
}

/** `a/b/` and `a/b` to `a/.wh.b`. */
function whiteoutOf(name: string): string {
  const path = name.endsWith("/") ? name.slice(0, -1) : name;
  const slash = path.lastIndexOf("/") + 1;
  return `${path.slice(0, slash)}${whiteoutPrefix}${path.slice(slash)}`;
}

function isReserved(name: string): boolean {
  const path = name.endsWith("/") ? name.slice(0, -1) : name;
  return path.startsWith(whiteoutPrefix, path.lastIndexOf("/") + 1);
}

/** overlayfs's mark for a removed name. */
export function isWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}

const opaqueXattr = Buffer.from("trusted.overlay.opaque\0");

export function isOpaque(path: string): boolean {
  return unlessGone(() => lgetxattr(bytePath(path), opaqueXattr))?.[0] === 0x79;
}

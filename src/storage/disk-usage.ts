/**
 * What files take on the disk, as du(1) counts it: allocated blocks, a file with several names once.
 *
 * A tree may be a running container's: directories are opened below one another, without following a link, and however
 * deep or long its paths are, there is a sum.
 */
import { closeSync, constants, lstatSync, openSync, type Stats } from "node:fs";
import { directoryNames } from "./directory-names.ts";

/** Bytes of one block of st_blocks, whatever the file system's own is; stat(2). */
const blockBytes = 512;

/** Levels that are counted: what is below has no path that a program could say (PATH_MAX). */
const deepest = 2048;

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Adds up trees; what was counted once is not counted again under another name. */
export class DiskUsage {
  readonly #seen = new Set<string>();
  readonly #apparent: boolean;

  /** `apparent`: adds up the sizes of plain files in place of blocks, as an image's size is counted. */
  constructor(options: { readonly apparent?: boolean } = {}) {
    this.#apparent = options.apparent === true;
  }

  /** Bytes that the tree at `path` takes, itself included; 0 when there is nothing, or what was there has gone. */
  of(path: string): number {
    return this.#count(Buffer.from(path), 0);
  }

  /** Paths are bytes: the names of a container need not be UTF-8. */
  #count(path: Buffer, depth: number): number {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || !this.#isNew(stat)) return 0;
    const own = this.#apparent ? (stat.isFile() ? stat.size : 0) : stat.blocks * blockBytes;
    return stat.isDirectory() && depth < deepest ? own + this.#countIn(path, depth) : own;
  }

  #countIn(path: Buffer, depth: number): number {
    const fd = tryOpenDirectory(path);
    if (fd === undefined) return 0;
    try {
      const here = `/proc/self/fd/${fd}`;
      let bytes = 0;
      for (const name of directoryNames(fd))
        bytes += this.#count(Buffer.concat([Buffer.from(`${here}/`), name]), depth + 1);
      return bytes;
    } finally {
      closeSync(fd);
    }
  }

  #isNew(stat: Stats): boolean {
    if (stat.isDirectory() || stat.nlink === 1) return true;
    const key = `${stat.dev}:${stat.ino}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }
}

/** Undefined: it has gone, has become something else, or there are no more descriptors. */
function tryOpenDirectory(path: Buffer): number | undefined {
  try {
    return openSync(path, directoryFlags);
  } catch {
    return undefined;
  }
}

/**
 * What files take on the disk, as du(1) counts it: allocated blocks, a file with several names once.
 */
import { lstatSync, readdirSync, type Stats } from "node:fs";

/** Bytes of one block of st_blocks, whatever the file system's own is; stat(2). */
const blockBytes = 512;

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
    return this.#count(Buffer.from(path));
  }

  /** Paths are bytes: the names of a container need not be UTF-8. */
  #count(path: Buffer): number {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || !this.#isNew(stat)) return 0;
    let bytes = this.#apparent ? (stat.isFile() ? stat.size : 0) : stat.blocks * blockBytes;
    if (stat.isDirectory()) for (const name of namesIn(path)) bytes += this.#count(joinBytes(path, name));
    return bytes;
  }

  #isNew(stat: Stats): boolean {
    if (stat.isDirectory() || stat.nlink === 1) return true;
    const key = `${stat.dev}:${stat.ino}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }
}

const slash = Buffer.from("/");

function joinBytes(path: Buffer, name: Buffer): Buffer {
  return Buffer.concat([path, slash, name]);
}

function namesIn(path: Buffer): readonly Buffer[] {
  try {
    return readdirSync(path, { encoding: "buffer" });
  } catch {
    return [];
  }
}

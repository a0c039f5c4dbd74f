/**
 * A directory tree to a tar stream: sorted by name, hard links kept, every attribute a layer can hold.
 *
 * For any tree, a running container's too: nothing outside can get in (tree-walk.ts), what vanishes meanwhile is
 * left out. Sockets are left out, as in every tar.
 */
import { EntryPacker, type PackOptions } from "./pack-entry.ts";
import { tarEndMark } from "./tar-encode.ts";
import { walkTree } from "./tree-walk.ts";

/** Pieces are handed on when they have grown to this, so that small files do not cost a turn of the loop each. */
const blockBytes = 1 << 20;

/** The whole archive of `root` (a path or a descriptor), its own entry (`./`) first. */
export async function* packTree(root: string | number, options: PackOptions = {}): AsyncGenerator<Buffer> {
  yield* gather(packMembers(root, options));
}

function* packMembers(root: string | number, options: PackOptions): Generator<Buffer> {
  const packer = new EntryPacker(options);
  for (const member of walkTree(root)) yield* packer.pack(member);
  yield tarEndMark;
}

/**
 * A short text that changes when anything in the tree does (names, sizes, times, owners, modes), without reading
 * file contents.
 */
export function fingerprintTree(root: string): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const { name, stat } of walkTree(root)) {
    const { dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs } = stat;
    hasher.update(`${name}\0${dev} ${ino} ${mode} ${uid} ${gid} ${size} ${mtimeNs} ${ctimeNs}\n`);
  }
  return hasher.digest("hex");
}

/** Small pieces to blocks of 1 MiB; large ones pass as they are. Nothing is put off but by less than a block. */
export function* gather(pieces: Iterable<Buffer>): Generator<Buffer> {
  let block = Buffer.allocUnsafe(blockBytes);
  let filled = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const taken = piece.copy(block, filled, at, at + blockBytes - filled);
      at += taken;
      filled += taken;
      if (filled < blockBytes) continue;
      yield block;
      block = Buffer.allocUnsafe(blockBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

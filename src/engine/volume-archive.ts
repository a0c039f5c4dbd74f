/**
 * `volume export` and `volume import`: what is in a volume as a tar, and back.
 *
 * Read through a read-only view of the directory, written by a process that has chrooted into it: what containers do in
 * the volume meanwhile, and what links are in it or in the archive, leads nowhere else.
 */
import { closeSync, createReadStream, openSync } from "node:fs";
import { openFlags } from "../../ffi/flags.ts";
import { BockerError, messageOf } from "../errors.ts";
import type { VolumeRecord } from "../state/record.ts";
import { findVolume } from "../state/volume.ts";
import { openFolderTree } from "../storage/open-tree.ts";
import { packTree } from "../storage/pack-tree.ts";
import { writeArchive } from "../storage/write-archive.ts";
import { type ArchivePlace, openPlace } from "./archive-place.ts";
import type { Engine } from "./engine.ts";
import { volumeSourceOf } from "./volume-driver.ts";

const readBytes = 512 * 1024;

/** Throws `get x: no such volume`. */
export async function exportVolume(engine: Engine, name: string, place: ArchivePlace): Promise<void> {
  const tree = openFolderTree(directoryOf(findVolume(engine.state, name), "export"));
  try {
    await openPlace(place).writeAll(packTree(tree));
  } finally {
    closeSync(tree);
  }
}

/** Unpacks a tar, compressed or not, over what is in the volume. `source`: a file, or `-` for standard input. */
export async function importVolume(engine: Engine, name: string, source: string): Promise<void> {
  const directory = directoryOf(findVolume(engine.state, name), "import into");
  const input = source === "-" ? ("stdin" as const) : openArchive(source);
  const rootFd = openSync(directory, openFlags.O_PATH | openFlags.O_DIRECTORY);
  try {
    await writeArchive(input, { rootFd, directory: "/", keepOwner: true });
  } finally {
    closeSync(rootFd);
  }
}

function openArchive(path: string): AsyncIterable<Uint8Array> {
  try {
    return createReadStream("", { fd: openSync(path, "r"), highWaterMark: readBytes });
  } catch (error) {
    throw new BockerError(`cannot read "${path}": ${messageOf(error)}`, { kind: "not-found", cause: error });
  }
}

/** Where its files are, unless they are only where a container has mounted them. */
function directoryOf(volume: VolumeRecord, what: string): string {
  const source = volumeSourceOf(volume);
  if (typeof source === "string") return source;
  if (source.type === "bind") return source.source;
  throw new BockerError(`cannot ${what} volume "${volume.name}": it is a tmpfs and empty on the host`, {
    kind: "unsupported",
  });
}

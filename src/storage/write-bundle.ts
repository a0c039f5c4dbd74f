/**
 * A bundle of images as a tar stream or as a directory. The same images give the same bytes: all times are zero, the
 * owner is root, names are sorted.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  mkdirSync,
  openSync,
  read,
  renameSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { BockerError } from "../errors.ts";
import type { Paths } from "../host/paths.ts";
import { randomHex } from "../host/random-id.ts";
import type { BundleFile } from "./image-bundle.ts";
import { gather } from "./pack-tree.ts";
import { removeTree } from "./remove-tree.ts";
import { encodeTarEntry, tarEndMark, tarPadding } from "./tar-encode.ts";
import type { TarEntry } from "./tar-entry.ts";

const readBytes = 1 << 20;
const readAsync = promisify(read);

/** The bundle as an archive. Throws kind `corrupt` when a blob changes its size meanwhile. */
export async function* packBundle(files: readonly BundleFile[]): AsyncGenerator<Buffer> {
  const folders = new Set<string>();
  for (const file of files) {
    for (const folder of foldersOf(file.name)) {
      if (!folders.has(folder))
        yield encodeTarEntry({ ...member, kind: "directory", name: folder, mode: 0o755 });
      folders.add(folder);
    }
    if ("bytes" in file) yield* gather(smallFile(file.name, file.bytes));
    else {
      yield encodeTarEntry({ ...member, name: file.name, size: file.sizeBytes });
      yield* blobData(file.path, file.sizeBytes);
    }
  }
  yield tarEndMark;
}

/** The bundle as a directory, which must not be there, or empty. Blobs share their blocks where the disk can. */
export function writeBundle(paths: Paths, files: readonly BundleFile[], directory: string): void {
  const temporary = join(dirname(directory), `.${basename(directory).slice(0, 200)}.${randomHex(6)}.tmp`);
  mkdirSync(temporary, { mode: 0o755 });
  try {
    for (const file of files) {
      const path = join(temporary, file.name);
      mkdirSync(dirname(path), { recursive: true });
      if ("bytes" in file) writeFileSync(path, file.bytes);
      else copyFileSync(file.path, path, constants.COPYFILE_FICLONE);
    }
    renameSync(temporary, directory);
  } catch (error) {
    removeTree(paths, temporary);
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "ENOTDIR") throw error;
    throw new BockerError(`invalid output path: ${JSON.stringify(directory)} is not an empty directory`, {
      kind: "invalid-config",
      hint: "name a directory that is not there yet",
    });
  }
}

const zero = { seconds: 0, nanoseconds: 0 };
const member: TarEntry = {
  kind: "file",
  name: "",
  linkName: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  modified: zero,
  accessed: zero,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: new Map(),
};

/** `blobs/sha256/x` to `blobs/` and `blobs/sha256/`. */
function foldersOf(name: string): readonly string[] {
  const parts = name.split("/").slice(0, -1);
  return parts.map((_, index) => `${parts.slice(0, index + 1).join("/")}/`);
}

function* smallFile(name: string, bytes: Buffer): Generator<Buffer> {
  yield encodeTarEntry({ ...member, name, size: bytes.length });
  yield bytes;
  yield tarPadding(bytes.length);
}

async function* blobData(path: string, sizeBytes: number): AsyncGenerator<Buffer> {
  const fd = openSync(path, "r");
  try {
    for (let done = 0; done < sizeBytes; ) {
      const buffer = Buffer.allocUnsafe(Math.min(readBytes, sizeBytes - done));
      const { bytesRead } = await readAsync(fd, buffer, 0, buffer.length, done);
      if (bytesRead === 0) throw new BockerError(`${path} shrank while it was read`, { kind: "corrupt" });
      yield buffer.subarray(0, bytesRead);
      done += bytesRead;
    }
  } finally {
    closeSync(fd);
  }
  yield tarPadding(sizeBytes);
}

/**
 * Image archives (docker save, an OCI layout in a tar) told from root file systems, and taken apart.
 *
 * A tar is an image archive when every member could belong to one and it has manifest.json, or oci-layout with
 * index.json. Members are kept by their name in a map; on disk they are numbered, so that a hostile name is only
 * ever a key. Formats: https://github.com/moby/docker-image-spec/blob/main/spec.md, OCI image-layout.md.
 */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Digest, DigestHasher } from "../image/digest.ts";
import type { TarEntry, TarSink } from "./tar-entry.ts";
import { corrupt, quoteName } from "./tar-header.ts";
import { TarReader } from "./tar-reader.ts";

export interface ArchivedFile {
  /** Where its bytes are now. */
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
}

/** Members by name, links resolved. */
export type ArchivedFiles = ReadonlyMap<string, ArchivedFile>;

const layerFolder = "(?:sha256:)?[0-9a-f]{64}";
const archiveMember = new RegExp(
  `^(?:blobs(?:/[^/]+){0,2}|oci-layout|index\\.json|manifest\\.json|repositories|${layerFolder}\\.(?:json|tar)|` +
    `${layerFolder}(?:/(?:layer\\.tar|json|VERSION))?)$`,
);

/** Thrown inside the reader to stop it: the rest of the tar need not be read. */
class NotAnArchive extends Error {}

/** Whether the (uncompressed) tar is an image archive. Reads a root file system's tar only up to its first entry. */
export async function isImageArchive(tar: AsyncIterable<Buffer>): Promise<boolean> {
  const names = new Set<string>();
  const sink: TarSink = {
    entry(entry) {
      const name = memberName(entry.name);
      if (!couldBelong(entry, name)) throw new NotAnArchive();
      names.add(name);
    },
    data() {},
    endEntry() {},
  };
  try {
    await readTar(tar, sink);
  } catch (error) {
    if (error instanceof NotAnArchive) return false;
    throw error;
  }
  return names.has("manifest.json") || (names.has("oci-layout") && names.has("index.json"));
}

function couldBelong(entry: TarEntry, name: string): boolean {
  const plain = ["file", "directory", "symlink", "hardlink"].includes(entry.kind);
  return plain && (name === "" || archiveMember.test(name));
}

/**
 * Writes every member into `directory` (not there yet, the caller's to remove) and hashes it on the way. With
 * `anyName` members may be called anything: other tools have their own ideas, and manifest.json says what is what.
 */
export async function extractImageArchive(
  tar: AsyncIterable<Buffer>,
  directory: string,
  { anyName = false } = {},
): Promise<ArchivedFiles> {
  mkdirSync(directory, { mode: 0o700 });
  const sink = new ArchiveSink(directory, anyName);
  try {
    await readTar(tar, sink);
  } finally {
    sink.close();
  }
  return sink.resolveLinks();
}

async function readTar(tar: AsyncIterable<Buffer>, sink: TarSink): Promise<void> {
  const reader = new TarReader(sink);
  for await (const chunk of tar) {
    reader.write(chunk);
    if (reader.ended) break;
  }
  reader.end();
}

class ArchiveSink implements TarSink {
  readonly #directory: string;
  readonly #anyName: boolean;
  readonly #files = new Map<string, ArchivedFile>();
  readonly #links = new Map<string, string>();
  #open:
    | { readonly fd: number; readonly path: string; readonly name: string; readonly hasher: DigestHasher }
    | undefined;
  #size = 0;
  #count = 0;

  constructor(directory: string, anyName: boolean) {
    this.#directory = directory;
    this.#anyName = anyName;
  }

  entry(entry: TarEntry): void {
    const name = memberName(entry.name);
    if (!this.#anyName && !couldBelong(entry, name))
      throw corrupt(`${quoteName(entry.name)} does not belong in an image archive`);
    this.#files.delete(name);
    this.#links.delete(name);
    if (entry.kind === "symlink") this.#links.set(name, memberName(join(name, "..", entry.linkName)));
    else if (entry.kind === "hardlink") this.#links.set(name, memberName(entry.linkName));
    else if (entry.kind === "file") this.#start(name);
  }

  #start(name: string): void {
    const path = join(this.#directory, String(this.#count++));
    this.#open = { fd: openSync(path, "wx", 0o600), path, name, hasher: new DigestHasher() };
    this.#size = 0;
  }

  data(chunk: Uint8Array): void {
    if (this.#open === undefined) return;
    for (let done = 0; done < chunk.byteLength; ) done += writeSync(this.#open.fd, chunk, done);
    this.#open.hasher.update(chunk);
    this.#size += chunk.byteLength;
  }

  endEntry(): void {
    if (this.#open === undefined) return;
    const { path, name, hasher } = this.#open;
    this.close();
    this.#files.set(name, { path, digest: hasher.digest(), size: this.#size });
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  /** docker writes a layer that occurs twice as a link to the first. A link to a link is nobody's work. */
  resolveLinks(): ArchivedFiles {
    const files = new Map(this.#files);
    for (const [name, target] of this.#links) {
      const file = this.#files.get(target);
      if (file !== undefined) files.set(name, file);
    }
    return files;
  }
}

/** Without "./" and slashes at the end. */
function memberName(name: string): string {
  return name
    .replace(/^(?:\.\/+)+/, "")
    .replace(/\/+$/, "")
    .replace(/^\.$/, "");
}

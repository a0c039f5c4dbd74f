/**
 * A state root of its own under the temporary directory, gone with its test.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Paths, pathsUnder } from "../../../src/host/paths.ts";
import { digestOf } from "../../../src/image/digest.ts";
import type { Descriptor } from "../../../src/image/manifest.ts";

export interface TemporaryRoot extends Disposable {
  readonly paths: Paths;
  readonly directory: string;
}

export function openTemporaryRoot(): TemporaryRoot {
  const directory = mkdtempSync(join(tmpdir(), "bocker-storage-"));
  return {
    directory,
    paths: pathsUnder(join(directory, "root"), join(directory, "run")),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** The descriptor that is right for these bytes. */
export function describeBytes(bytes: Uint8Array): Descriptor {
  return { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.byteLength };
}

/** Bytes as a stream of chunks, from `offset` on; stops with an error after `failAfter` bytes. */
export async function* chunksOf(bytes: Uint8Array, chunkBytes: number, failAfter = Number.POSITIVE_INFINITY) {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    if (at >= failAfter) throw new Error("connection lost");
    yield bytes.subarray(at, at + chunkBytes);
  }
}

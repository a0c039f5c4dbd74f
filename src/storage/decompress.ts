/**
 * Compressed bytes to a stream of plain ones, whatever they are compressed with.
 *
 * The format is told from the first bytes, as docker does, never from a media type or a file name. gzip and zstd
 * are built in and run on Bun's thread pool beside the reader; xz and bzip2 need their programs. Several gzip
 * members or zstd frames one after the other (pigz, eStargz, zstd:chunked) are one stream.
 */
import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { BockerError, messageOf } from "../errors.ts";
import { startCommand } from "../host/run-command.ts";
import { corrupt } from "./tar-header.ts";

export type CompressionFormat = "none" | "gzip" | "zstd" | "xz" | "bzip2";

/** Room for several chunks: the pool decompresses ahead while the caller writes files. */
const chunkBytes = 512 * 1024;
const aheadBytes = 4 * 1024 * 1024;

const magics: readonly (readonly [CompressionFormat, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["bzip2", [0x42, 0x5a, 0x68]],
];

/** zstd's skippable frames (0x184D2A50 … 5F) may come first. */
const skippableFrame = [0x2a, 0x4d, 0x18];

/** Tells the format from the first bytes (six are enough). */
export function detectCompression(start: Uint8Array): CompressionFormat {
  const has = (magic: readonly number[], at = 0) => magic.every((byte, index) => start[at + index] === byte);
  if (((start[0] ?? 0) & 0xf0) === 0x50 && has(skippableFrame, 1)) return "zstd";
  return magics.find(([, magic]) => has(magic))?.[0] ?? "none";
}

/** Decompresses `input`. Errors of the format come out as kind `corrupt` while the result is read. */
export async function* decompress(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const { format, body: whole } = await sniffCompression(input);
  if (format === "none") yield* whole;
  else if (format === "gzip" || format === "zstd") yield* through(format, whole);
  else yield* throughProgram(format, whole);
}

/** Tells the format of a stream; `body` is all of it, the bytes that were looked at included. */
export async function sniffCompression(
  input: AsyncIterable<Uint8Array>,
): Promise<{ readonly format: CompressionFormat; readonly body: AsyncIterable<Buffer> }> {
  const source = input[Symbol.asyncIterator]();
  const start = await firstBytes(source);
  return { format: detectCompression(start), body: resume(start, source) };
}

/** Reads until there is enough to tell the format. */
async function firstBytes(source: AsyncIterator<Uint8Array>): Promise<Buffer> {
  let start = Buffer.alloc(0);
  while (start.length < 6) {
    const next = await source.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  return start;
}

async function* resume(start: Buffer, source: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start;
  for (let next = await source.next(); next.done !== true; next = await source.next()) {
    const { buffer, byteOffset, byteLength } = next.value;
    yield Buffer.from(buffer, byteOffset, byteLength);
  }
}

async function* through(format: "gzip" | "zstd", input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const options = { chunkSize: chunkBytes, readableHighWaterMark: aheadBytes };
  const transform = format === "gzip" ? createGunzip(options) : createZstdDecompress(options);
  // An error of the input destroys the transform, and the loop below throws it.
  pipeline(Readable.from(input, { objectMode: false }), transform, () => {});
  try {
    for await (const chunk of transform) yield chunk as Buffer;
  } catch (error) {
    if (error instanceof BockerError) throw error;
    throw corrupt(`${format} stream is damaged: ${messageOf(error)}`);
  }
}

async function* throughProgram(format: "xz" | "bzip2", input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const child = startCommand([format, "-dc"], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  const said = new Response(child.stderr).text();
  const feeding = feed(child.stdin, input);
  try {
    for await (const chunk of child.stdout)
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    await feeding;
    if ((await child.exited) === 0) return;
    throw corrupt(`${format} stream is damaged: ${(await said).trim().split("\n").at(-1) ?? ""}`);
  } finally {
    child.kill("SIGKILL");
  }
}

async function feed(stdin: Bun.FileSink, input: AsyncIterable<Buffer>): Promise<void> {
  try {
    for await (const chunk of input) {
      stdin.write(chunk);
      await stdin.flush();
    }
  } catch (error) {
    // A program that has stopped reading says why on its stderr.
    if (!(error instanceof Error && "code" in error && error.code === "EPIPE")) throw error;
  } finally {
    await stdin.end();
  }
}

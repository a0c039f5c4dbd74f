/**
 * A tar to a compressed one, as its name on disk says: `.tar`, `.tar.gz`, `.tar.xz`, `.tar.zst`.
 *
 * gzip is built in and runs on all cores, zstd is built in, xz needs its program (which uses all cores too).
 */
import { pipeline, Readable } from "node:stream";
import { createZstdCompress } from "node:zlib";
import { BockerError } from "../errors.ts";
import { findTool, startCommand } from "../host/run-command.ts";
import { gzipStream } from "./gzip-stream.ts";

export type TarCompression = "none" | "gzip" | "xz" | "zstd";

const suffixes: readonly (readonly [RegExp, TarCompression])[] = [
  [/\.(?:tar\.gz|tgz)$/, "gzip"],
  [/\.(?:tar\.xz|txz)$/, "xz"],
  [/\.(?:tar\.zst|tzst)$/, "zstd"],
];

/** `none` for any other name. */
export function compressionOfName(path: string): TarCompression {
  return suffixes.find(([pattern]) => pattern.test(path))?.[1] ?? "none";
}

/** Compresses. Throws kind `host` where the program for it is not installed. */
export function compress(tar: AsyncIterable<Buffer>, compression: TarCompression): AsyncIterable<Uint8Array> {
  if (compression === "gzip") return gzipStream(tar);
  if (compression === "zstd") return throughZstd(tar);
  return compression === "xz" ? throughXz(tar) : tar;
}

async function* throughZstd(tar: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const transform = createZstdCompress();
  pipeline(Readable.from(tar, { objectMode: false }), transform, () => {});
  for await (const chunk of transform) yield chunk as Buffer;
}

async function* throughXz(tar: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  if (findTool("xz") === undefined) {
    throw new BockerError('cannot compress: there is no program "xz"', {
      kind: "host",
      hint: "install the package xz-utils (xz elsewhere), or choose a name that ends in .tar.gz",
    });
  }
  const child = startCommand(["xz", "-T0", "-3", "-c"], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
  const feeding = feed(child.stdin, tar);
  feeding.catch(() => child.kill("SIGKILL"));
  try {
    for await (const chunk of child.stdout) yield chunk;
    await feeding;
    if ((await child.exited) !== 0) throw new BockerError("xz failed", { kind: "host" });
  } finally {
    child.kill("SIGKILL");
  }
}

async function feed(stdin: Bun.FileSink, tar: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of tar) {
    await stdin.write(chunk);
    await stdin.flush();
  }
  await stdin.end();
}

/**
 * `import`, `buildBase` and `init`: an image of one layer from a tar, what a URL serves, or a directory.
 */
import { createReadStream, statSync } from "node:fs";
import { BockerError } from "../errors.ts";
import { applyChanges } from "../image/config-change.ts";
import type { Platform } from "../image/platform.ts";
import { canonicalName, type NamedReference } from "../image/reference.ts";
import { appendEvent } from "../state/event.ts";
import { collectGarbage } from "../storage/collect-garbage.ts";
import type { Brought } from "../storage/import-archive.ts";
import { holdStore } from "../storage/store-hold.ts";
import { type RootfsSource, storeRootfs } from "../storage/store-rootfs.ts";
import type { Engine } from "./engine.ts";
import { renderCreated } from "./image-time.ts";

export interface ImportOptions {
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  readonly message?: string;
  readonly platform?: Platform;
  /** SOURCE_DATE_EPOCH: time of the image; of its files too, where they are read from a directory. */
  readonly epochSeconds?: number;
  /** Bytes read so far, of a total where that is known. */
  readonly onProgress: (doneBytes: number, totalBytes: number | undefined) => void;
}

const readBytes = 512 * 1024;

/**
 * Imports `source`: a path, an http(s) URL, or `-` for standard input. Gives the image's id. Throws docker's phrases
 * for changes and missing files; nothing of a failed import stays.
 */
export async function importRootfs(
  engine: Engine,
  source: string,
  target: NamedReference | undefined,
  options: ImportOptions,
): Promise<string> {
  const config = applyChanges({}, options.changes);
  const created = renderCreated(options.epochSeconds);
  const brought: Brought = { blobs: new Set(), layers: new Set() };
  try {
    using _hold = await holdStore(engine.paths);
    const rootfs = await openSource(engine, source, options);
    const image = await storeRootfs(
      engine,
      rootfs,
      {
        created,
        config,
        label: JSON.stringify(source),
        history: { created, comment: options.message || `Imported from ${source}` },
        ...(options.platform === undefined ? {} : { platform: options.platform }),
        tags: target === undefined ? [] : [{ reference: canonicalName(target) }],
      },
      brought,
    );
    appendEvent(engine.state, {
      type: "image",
      action: "import",
      id: image.id,
      attributes: { name: source },
    });
    return image.id;
  } catch (error) {
    collectGarbage(engine, { among: brought });
    throw error;
  }
}

async function openSource(engine: Engine, source: string, options: ImportOptions): Promise<RootfsSource> {
  if (source === "-")
    return { kind: "tar", body: counted(createReadStream("", { fd: 0, highWaterMark: readBytes }), options) };
  if (/^https?:\/\//.test(source)) return download(engine, source, options);
  const stat = statSync(source, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new BockerError(`open ${source}: no such file or directory`, { kind: "not-found" });
  if (stat.isDirectory()) {
    const { epochSeconds } = options;
    return {
      kind: "directory",
      path: source,
      packing: epochSeconds === undefined ? {} : { latestSeconds: epochSeconds },
    };
  }
  const body = createReadStream(source, { highWaterMark: readBytes });
  return { kind: "tar", body: counted(body, options, stat.isFile() ? stat.size : undefined) };
}

async function download(engine: Engine, source: string, options: ImportOptions): Promise<RootfsSource> {
  const { createTransport } = await import("../registry/transport.ts");
  const transport = createTransport(engine.settings.registries);
  const response = await transport.send({ method: "GET", url: parseUrl(source) });
  if (response.status !== 200) {
    await response.body.drain();
    throw new BockerError(
      `cannot download ${JSON.stringify(source)}: ${response.status} ${response.statusText}`,
      {
        kind: response.status === 404 ? "not-found" : "unreachable",
      },
    );
  }
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const total = Number.isSafeInteger(length) ? length : undefined;
  return { kind: "tar", body: counted(response.body.chunks(), options, total) };
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null) return url;
  throw new BockerError(`invalid URL ${JSON.stringify(text)}`, { kind: "usage" });
}

/** A download that ends early is no tar that happens to be short. */
async function* counted(
  body: AsyncIterable<Uint8Array>,
  { onProgress }: ImportOptions,
  totalBytes?: number,
): AsyncGenerator<Uint8Array> {
  let doneBytes = 0;
  for await (const chunk of body) {
    doneBytes += chunk.byteLength;
    onProgress(doneBytes, totalBytes);
    yield chunk;
  }
  if (totalBytes === undefined || doneBytes >= totalBytes) return;
  throw new BockerError(`it ended after ${doneBytes} of ${totalBytes} bytes`, { kind: "corrupt" });
}

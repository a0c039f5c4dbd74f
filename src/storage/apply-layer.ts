/**
 * Applies a layer: starts the unpacking process, feeds it, and gives the result its name.
 *
 * The work is done by `bocker layer-apply` (layer-apply.ts), which has chrooted into a fresh directory under tmp/,
 * so layers unpack on all cores and nothing in a tar can name a file outside. A layer counts only once it is
 * renamed to layer/HEX, after syncfs; its facts, layer/HEX.json, are written before. What a crash leaves under tmp/
 * is swept by sweep-storage.ts once nobody holds the layer's lock.
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync } from "node:fs";
import { join } from "node:path";
import { BockerError } from "../errors.ts";
import { syncFolder, writeFileAtomic } from "../host/atomic-file.ts";
import type { Paths } from "../host/paths.ts";
import { randomHex } from "../host/random-id.ts";
import { startCommand } from "../host/run-command.ts";
import { selfCommand } from "../host/self-command.ts";
import { type DiffID, digestHex } from "../image/digest.ts";
import { hasLayer, layerPath, loadLayerFacts } from "./layer-directory.ts";
import { layerLimitsOf } from "./layer-limits.ts";
import {
  fromErrorMessage,
  type LayerFacts,
  type LayerLimits,
  type LayerOrder,
  parseLayerReply,
} from "./layer-message.ts";
import { prepareLayout } from "./oci-layout.ts";
import { removeTree } from "./remove-tree.ts";
import { lockTransient } from "./transient-lock.ts";

export { hasLayer, layerPath, loadLayerFacts };

/** How long a failed child's source may take to say that it was its fault. */
const sourceGraceMs = 100;

/** A layer as stored or sent, compressed or not: the path of a file, or its bytes while they arrive. */
export type LayerSource = string | AsyncIterable<Uint8Array>;

export interface UnpackOptions {
  readonly limits?: LayerLimits;
  /** For applyUnknownLayer: a tar without members is no mistake. */
  readonly mayBeEmpty?: true;
  /** Uncompressed bytes so far, a few times a second. */
  readonly onProgress?: (doneBytes: number) => void;
}

export interface LayerRequest extends UnpackOptions {
  readonly paths: Paths;
  readonly blob: LayerSource;
  /** What the uncompressed tar must hash to. */
  readonly diffID: DiffID;
}

/**
 * Unpacks one layer unless it is there; several callers and processes do it once. Throws kind `corrupt` or
 * `unsupported` naming the layer, and leaves nothing. A `blob` that is a stream is not read when the layer exists.
 */
export async function applyLayer(request: LayerRequest): Promise<LayerFacts> {
  const { paths, diffID } = request;
  if (hasLayer(paths, diffID)) return loadLayerFacts(paths, diffID);
  prepareLayout(paths);
  using _lock = await lockTransient(join(paths.tmp, `layer-${digestHex(diffID)}.lock`), { removeFile: true });
  if (hasLayer(paths, diffID)) return loadLayerFacts(paths, diffID);
  return await unpackAndPublish(paths, request.blob, diffID, `layer ${diffID}`, request);
}

/**
 * As applyLayer for a tar whose diffID nobody has told: unpacks, and the facts say it. `label` names the tar in
 * errors ("rootfs.tar.gz").
 */
export async function applyUnknownLayer(
  paths: Paths,
  blob: LayerSource,
  label: string,
  options: UnpackOptions = {},
): Promise<LayerFacts> {
  prepareLayout(paths);
  const lockName = `layer-unknown.${randomHex(8)}`;
  using _lock = await lockTransient(join(paths.tmp, `${lockName}.lock`), { removeFile: true });
  return await unpackAndPublish(paths, blob, undefined, label, options, lockName);
}

async function unpackAndPublish(
  paths: Paths,
  blob: LayerSource,
  diffID: DiffID | undefined,
  label: string,
  options: UnpackOptions,
  prefix = `layer-${diffID === undefined ? "" : digestHex(diffID)}`,
): Promise<LayerFacts> {
  const directory = join(paths.tmp, `${prefix}.${randomHex(4)}`);
  mkdirSync(directory, { mode: 0o700 });
  try {
    const order = {
      directory,
      limits: options.limits ?? layerLimitsOf(process.env),
      ...(diffID === undefined ? {} : { diffID }),
      ...(options.mayBeEmpty === true ? { mayBeEmpty: true as const } : {}),
    };
    const facts = await runChild(order, blob, options);
    publish(paths, directory, facts);
    return facts;
  } catch (error) {
    removeTree(paths, directory);
    throw naming(label, error);
  }
}

/** Two unknown layers may turn out to be the same one: the first stays. */
function publish(paths: Paths, directory: string, facts: LayerFacts): void {
  const target = layerPath(paths, facts.diffID);
  if (existsSync(target)) {
    removeTree(paths, directory);
    return;
  }
  writeFileAtomic(`${target}.json`, JSON.stringify(facts), { durable: true });
  try {
    renameSync(directory, target);
    syncFolder(paths.layers);
  } catch (error) {
    // Another process was quicker by a moment.
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    removeTree(paths, directory);
  }
}

function naming(label: string, error: unknown): unknown {
  if (!(error instanceof BockerError)) return error;
  const { kind, hint } = error;
  return new BockerError(`cannot apply ${label}: ${error.message}`, {
    kind,
    cause: error.cause,
    ...(hint === undefined ? {} : { hint }),
  });
}

function runChild(order: LayerOrder, blob: LayerSource, options: UnpackOptions): Promise<LayerFacts> {
  const argv = selfCommand("layer-apply", JSON.stringify(order));
  return typeof blob === "string" ? runOnFile(argv, blob, options) : runOnStream(argv, blob, options);
}

async function runOnFile(argv: readonly string[], path: string, options: UnpackOptions): Promise<LayerFacts> {
  const fd = openSync(path, "r");
  try {
    return await collect(startCommand(argv, { stdin: fd, stdout: "pipe", stderr: "pipe" }), options);
  } finally {
    closeSync(fd);
  }
}

async function runOnStream(
  argv: readonly string[],
  blob: AsyncIterable<Uint8Array>,
  options: UnpackOptions,
): Promise<LayerFacts> {
  const child = startCommand(argv, { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  const feeding = feed(child.stdin, blob).finally(() => child.stdin.end());
  // Heard below; a source that fails while the child still works must not count as unhandled meanwhile.
  feeding.catch(() => {});
  try {
    const facts = await collect(child, options);
    await feeding;
    return facts;
  } catch (error) {
    // What the source says (a broken line) explains the child's complaint about a truncated tar; a source that
    // is still waiting has nothing to say.
    await Promise.race([feeding, Bun.sleep(sourceGraceMs)]);
    throw error;
  }
}

/** Stops early without an error when the child no longer reads: it has said why. */
async function feed(stdin: Bun.FileSink, blob: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of blob) {
    try {
      // Both may answer with a promise that fails: a broken pipe shows up in either.
      await stdin.write(chunk);
      await stdin.flush();
    } catch {
      return;
    }
  }
}

interface UnpackingChild {
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exited: Promise<number>;
}

/** Hears the child out and waits for its end. */
async function collect(child: UnpackingChild, options: UnpackOptions): Promise<LayerFacts> {
  const stderr = new Response(child.stderr).text();
  let outcome: LayerFacts | BockerError | undefined;
  for await (const line of lines(child.stdout)) {
    const reply = parseLayerReply(line);
    if ("bytes" in reply) options.onProgress?.(reply.bytes);
    else outcome = "done" in reply ? reply.done : fromErrorMessage(reply.error);
  }
  const exitCode = await child.exited;
  if (outcome instanceof BockerError) throw outcome;
  if (outcome !== undefined && exitCode === 0) return outcome;
  const said = (await stderr).trim().split("\n").at(-1) ?? "";
  throw new BockerError(
    `the unpacking process failed (exit code ${exitCode})${said === "" ? "" : `: ${said}`}`,
  );
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  if (rest !== "") yield rest;
}

/**
 * The unpacking process, `bocker layer-apply ORDER`: reads a layer from stdin, becomes a resident of the layer's
 * directory by chroot, writes the files, verifies the diffID and syncs. One line of JSON a message, see
 * layer-message.ts. Dies with its parent. Everything it needs is loaded before the chroot.
 */
import { chmodSync, createReadStream, openSync, writeSync } from "node:fs";
import { chroot, closeQuietly, syncfs, umask } from "../../ffi/file.ts";
import { prctlOptions } from "../../ffi/flags.ts";
import { prctl } from "../../ffi/process.ts";
import { BockerError } from "../errors.ts";
import { monotonicMs } from "../host/clock.ts";
import { type DiffID, DigestHasher, digestAlgorithm, digestMismatch } from "../image/digest.ts";
import { decompress } from "./decompress.ts";
import { type LayerFacts, type LayerOrder, type LayerReply, toErrorMessage } from "./layer-message.ts";
import { LayerWriter } from "./layer-writer.ts";
import { TarReader } from "./tar-reader.ts";

const SIGKILL = 9;
const GiB = 1 << 30;
const defaultMaxLayerBytes = 64 * GiB;
const defaultMaxExpansion = 200;
const progressEveryMs = 100;
const readBytes = 512 * 1024;

/** Does what `argv` orders and tells on stdout; the exit code is 0 when the layer is complete. */
export async function runLayerApply(argv: readonly string[]): Promise<number> {
  try {
    prctl(prctlOptions.PR_SET_PDEATHSIG, SIGKILL);
    say({ done: await apply(JSON.parse(argv[0] ?? "") as LayerOrder) });
    return 0;
  } catch (error) {
    say({ error: toErrorMessage(error) });
    return 1;
  }
}

async function apply(order: LayerOrder): Promise<LayerFacts> {
  const meter = new Meter(order);
  const input = createReadStream("", { fd: 0, highWaterMark: readBytes });
  const plain = decompress(meter.input(input))[Symbol.asyncIterator]();
  // Before the chroot, since it may start a program: xz.
  let next = await plain.next();
  enter(order.directory);
  const writer = new LayerWriter();
  const reader = new TarReader(writer);
  const hasher = new DigestHasher(order.diffID === undefined ? "sha256" : digestAlgorithm(order.diffID));
  for (; next.done !== true; next = await plain.next()) {
    meter.output(next.value.length);
    hasher.update(next.value);
    reader.write(next.value);
  }
  reader.end();
  const diffID = hasher.digest() as string as DiffID;
  checkResult(order, diffID, reader);
  writer.finish();
  syncRoot();
  const { sizeBytes, describesRoot, opaqueRoot } = writer;
  return { diffID, sizeBytes, entries: reader.entries, describesRoot, opaqueRoot };
}

/** From here on the layer's directory is all there is. */
function enter(directory: string): void {
  chroot(directory);
  process.chdir("/");
  umask(0);
  chmodSync("/", 0o755);
}

function checkResult(order: LayerOrder, diffID: DiffID, reader: TarReader): void {
  if (order.diffID !== undefined && order.diffID !== diffID) {
    throw digestMismatch("uncompressed layer", diffID, order.diffID);
  }
  if (order.diffID === undefined && order.mayBeEmpty !== true && reader.entries === 0) {
    throw new BockerError("not a tar archive, or an empty one", { kind: "corrupt" });
  }
}

/** A layer that exists is complete, whatever happens to the power: its files reach the disk before its name. */
function syncRoot(): void {
  const root = openSync("/", "r");
  try {
    syncfs(root);
  } finally {
    closeQuietly(root);
  }
}

/** Counts both sides of the decompressor: progress, and the bounds that a bomb runs into. */
class Meter {
  #compressed = 0;
  #plain = 0;
  #saidAtMs = monotonicMs();
  readonly #maxBytes: number;
  readonly #maxExpansion: number;

  constructor(order: LayerOrder) {
    this.#maxBytes = order.limits.maxLayerBytes ?? defaultMaxLayerBytes;
    this.#maxExpansion = order.limits.maxExpansion ?? defaultMaxExpansion;
  }

  async *input(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      this.#compressed += chunk.byteLength;
      yield chunk;
    }
  }

  output(bytes: number): void {
    this.#plain += bytes;
    if (this.#plain > this.#maxBytes) throw tooLarge(`more than ${this.#maxBytes} bytes when unpacked`);
    if (this.#plain > GiB && this.#plain > this.#compressed * this.#maxExpansion) {
      throw tooLarge(`it unpacks to more than ${this.#maxExpansion} times its size`);
    }
    if (monotonicMs() - this.#saidAtMs < progressEveryMs) return;
    this.#saidAtMs = monotonicMs();
    say({ bytes: this.#plain });
  }
}

function tooLarge(reason: string): BockerError {
  return new BockerError(`refused as a decompression bomb: ${reason}`, {
    kind: "corrupt",
    hint: "if it is meant to be so large, raise BOCKER_MAX_LAYER_BYTES or BOCKER_MAX_LAYER_EXPANSION",
  });
}

function say(reply: LayerReply): void {
  writeSync(1, `${JSON.stringify(reply)}\n`);
}

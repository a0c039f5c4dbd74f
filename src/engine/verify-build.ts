/**
 * `build --verify`: the same build twice, without cache, and the first file that came out different.
 */
import type { BuildResult } from "../build/build-options.ts";
import { BockerError } from "../errors.ts";
import { BlobStore } from "../storage/blob-store.ts";
import { decompress } from "../storage/decompress.ts";
import type { TarEntry } from "../storage/tar-entry.ts";
import { TarReader } from "../storage/tar-reader.ts";
import type { Engine } from "./engine.ts";
import {
  type BuildListener,
  type BuildRequest,
  buildOnce,
  type OnBuildEvent,
  openSources,
} from "./run-build.ts";

/** Outputs are those of the second build, once it is known to be the same. Throws kind `conflict` where it is not. */
export async function verifyBuild(
  engine: Engine,
  request: BuildRequest,
  listener: BuildListener,
): Promise<BuildResult> {
  using sources = await openSources(engine, request, listener);
  const uncached: BuildRequest = { ...request, cache: "ignore" };
  const { onEvent } = listener;
  const first = await buildOnce(engine, { ...uncached, outputs: [{ kind: "cacheonly" }] }, sources, onEvent);
  // Steps of the second build are others than those of the first.
  const onAgain: OnBuildEvent = (event) =>
    onEvent("step" in event ? { ...event, step: event.step + secondSteps } : event);
  return await buildOnce(engine, uncached, sources, onAgain, (second) =>
    compareBuilds(engine, first, second),
  );
}

/** More than a build has. */
const secondSteps = 1_000_000;

async function compareBuilds(engine: Engine, first: BuildResult, second: BuildResult): Promise<void> {
  if (first.imageId === second.imageId) return;
  const before = first.config.rootfs.diff_ids;
  const index = second.config.rootfs.diff_ids.findIndex((diffID, at) => diffID !== before[at]);
  if (index < 0) throw differs("the config differs, and no file does");
  const history = second.config.history?.filter(({ empty_layer }) => empty_layer !== true)[index];
  const where = `layer ${index + 1}${history?.created_by === undefined ? "" : ` (${history.created_by})`}`;
  const [one, two] = await Promise.all([first, second].map((result) => listLayer(engine, result, index)));
  throw differs(`${where}: ${firstDifference(one ?? [], two ?? [])}`);
}

function differs(reason: string): BockerError {
  return new BockerError(`the build is not reproducible: ${reason}`, {
    kind: "conflict",
    hint: "a step's output depends on the time, on chance, or on what it has fetched",
  });
}

interface LayerMember {
  readonly name: string;
  /** Everything else about it, by what it is called. */
  readonly facts: ReadonlyMap<string, string>;
}

/** Empty where the layer is not there any more. */
async function listLayer(
  { paths }: Engine,
  { layers }: BuildResult,
  index: number,
): Promise<readonly LayerMember[]> {
  const digest = layers[index]?.digest;
  const blobs = new BlobStore(paths);
  if (digest === undefined || blobs.size(digest) === undefined) return [];
  const members: LayerMember[] = [];
  let entry: TarEntry | undefined;
  let hasher = new Bun.CryptoHasher("sha256");
  const reader = new TarReader({
    entry: (next) => {
      entry = next;
      hasher = new Bun.CryptoHasher("sha256");
    },
    data: (chunk) => hasher.update(chunk),
    endEntry: () => {
      if (entry !== undefined)
        members.push({ name: entry.name, facts: factsOf(entry, hasher.digest("hex")) });
    },
  });
  for await (const piece of decompress(Bun.file(blobs.path(digest)).stream())) reader.write(piece);
  reader.end();
  return members;
}

function factsOf(entry: TarEntry, content: string): ReadonlyMap<string, string> {
  const { kind, mode, uid, gid, size, linkName, modified, xattrs } = entry;
  return new Map([
    ["kind", kind],
    ["mode", mode.toString(8)],
    ["owner", `${uid}:${gid}`],
    ["size", String(size)],
    ["link", linkName],
    ["content", content],
    ["time", `${modified.seconds}.${modified.nanoseconds}`],
    [
      "attributes",
      [...xattrs].map(([name, value]) => `${name}=${Buffer.from(value).toString("hex")}`).join(" "),
    ],
  ]);
}

/** Pure; layers list their files in order. */
function firstDifference(one: readonly LayerMember[], two: readonly LayerMember[]): string {
  const byName = new Map(two.map((member) => [member.name, member.facts]));
  for (const { name, facts } of one) {
    const others = byName.get(name);
    const path = JSON.stringify(`/${Buffer.from(name, "latin1").toString()}`);
    if (others === undefined) return `${path} is only in the first build`;
    const different = [...facts].find(([key, value]) => others.get(key) !== value);
    if (different === undefined) continue;
    const [key, value] = different;
    const values = key === "content" ? "" : ` (${value}, then ${others.get(key)})`;
    return `${path}: ${key} differs${values}`;
  }
  const known = new Set(one.map(({ name }) => name));
  const added = two.find(({ name }) => !known.has(name));
  return added === undefined
    ? "the order of its files differs"
    : `"/${added.name}" is only in the second build`;
}

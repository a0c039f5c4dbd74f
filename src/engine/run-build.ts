/**
 * `build` from its words to its results: contexts opened, the image built, outputs written. The building itself is
 * build-image.ts's.
 */
import { createReadStream } from "node:fs";
import type { BuildEvent, OnBuildEvent } from "../build/build-event.ts";
import type {
  BuildOptions,
  BuildResult,
  Entitlement,
  NamedContext,
  RunSettings,
} from "../build/build-options.ts";
import { BuildScratch } from "../build/context/build-scratch.ts";
import type { ContextDoor } from "../build/context/context-door.ts";
import { type OpenedContext, openContext, openNamedContext } from "../build/context/open-context.ts";
import { parseDockerfile } from "../build/dockerfile/parse-dockerfile.ts";
import type { Warning } from "../build/dockerfile/syntax.ts";
import { BockerError, messageOf } from "../errors.ts";
import { monotonicMs } from "../host/clock.ts";
import { canonicalName } from "../image/reference.ts";
import { type CachePlace, describePlace } from "./build/cache-shelf.ts";
import { exportCache, importCache } from "./build/portable-cache.ts";
import { type BuildOutput, isStoring, writeOutput } from "./build/write-output.ts";
import { buildImage } from "./build-image.ts";
import type { Engine } from "./engine.ts";
import { urlFetcher } from "./fetch-url.ts";
import { piecesUntilAborted } from "./until-aborted.ts";

export { pushTags } from "./build/write-output.ts";
export type { BuildEvent, BuildOutput, BuildResult, CachePlace, Entitlement, OnBuildEvent, RunSettings };

type Asked =
  | "buildArgs"
  | "target"
  | "platform"
  | "pull"
  | "cache"
  | "oldestStepMs"
  | "jobs"
  | "skipsUnused"
  | "overrides"
  | "finish"
  | "epochSeconds"
  | "labels"
  | "annotations"
  | "tags"
  | "run"
  | "signal";

/** A build as it was asked for on a command line. */
export interface BuildRequest extends Pick<BuildOptions, Asked> {
  /** Directory, `-`, or URL. */
  readonly context: string;
  /** What -f said. */
  readonly file: string | undefined;
  /** In place of the context's .dockerignore. */
  readonly ignoreFile: string | undefined;
  /** `--build-context`: name to word. */
  readonly contexts: ReadonlyMap<string, string>;
  readonly outputs: readonly BuildOutput[];
  readonly cacheFrom: readonly CachePlace[];
  readonly cacheTo: readonly CacheExport[];
}

/** `--cache-to`. */
export interface CacheExport {
  readonly place: CachePlace;
  /** Every step; else only those whose layers the result has. */
  readonly isWhole: boolean;
}

/** What a front end needs to know before the first step: for excerpts in messages. */
export interface BuildSource {
  readonly text: string;
  readonly path: string;
}

export interface BuildListener {
  readonly onEvent: OnBuildEvent;
  readonly onSource: (source: BuildSource) => void;
}

/** Builds and writes the outputs. Throws as buildImage and openContext do; what was unpacked for it is gone then. */
export async function runBuild(
  engine: Engine,
  request: BuildRequest,
  listener: BuildListener,
): Promise<BuildResult> {
  const { onEvent } = listener;
  using sources = await openSources(engine, request, listener);
  for (const [index, place] of request.cacheFrom.entries())
    await takeCache(engine, place, -1000 - index, onEvent);
  const result = await buildOnce(engine, request, sources, onEvent);
  for (const [index, wanted] of request.cacheTo.entries()) {
    await giveCache(engine, wanted, result, -2000 - index, onEvent);
  }
  return result;
}

/** A cache that cannot be had costs time and nothing else: it is told, and the build goes on. */
async function takeCache(
  engine: Engine,
  place: CachePlace,
  step: number,
  onEvent: OnBuildEvent,
): Promise<void> {
  const beganMs = monotonicMs();
  const name = describePlace(place);
  onEvent({ kind: "started", step, title: `importing cache manifest from ${name}` });
  try {
    const count = await importCache(engine, place);
    onEvent({ kind: "progress", step, text: `${count} steps taken over` });
  } catch (error) {
    onEvent({ kind: "progress", step, text: `ERROR: ${messageOf(error)}` });
    onEvent({ kind: "warning", message: `the cache ${name} is not used: ${messageOf(error)}` });
  }
  onEvent({ kind: "done", step, ms: monotonicMs() - beganMs });
}

async function giveCache(
  engine: Engine,
  { place, isWhole }: CacheExport,
  { steps, config }: BuildResult,
  step: number,
  onEvent: OnBuildEvent,
): Promise<void> {
  const beganMs = monotonicMs();
  const inResult = new Set<string>(config.rootfs.diff_ids);
  onEvent({ kind: "started", step, title: `exporting cache to ${describePlace(place)}` });
  try {
    await exportCache(engine, place, isWhole ? steps : steps.filter(({ diffID }) => inResult.has(diffID)));
    onEvent({ kind: "done", step, ms: monotonicMs() - beganMs });
  } catch (error) {
    onEvent({ kind: "failed", step, ms: monotonicMs() - beganMs, message: messageOf(error) });
    throw error;
  }
}

/** What a build reads, open; a build may be done more than once on it. */
export interface BuildSources
  extends Pick<BuildOptions, "dockerfile" | "context" | "namedContexts" | "door">,
    Disposable {
  /** Of a commit that was checked out as the context. */
  readonly commitSeconds: number | undefined;
}

/** Opens all contexts; disposing closes them and removes what was unpacked. */
export async function openSources(
  engine: Engine,
  request: BuildRequest,
  { onEvent, onSource }: BuildListener,
): Promise<BuildSources> {
  using closing = new DisposableStack();
  const door = closing.use(await openDoor(engine, request.run.agents.get("default"), request.signal));
  const opened = closing.use(await tellOpening(request, door, onEvent));
  const dockerfile = { text: opened.dockerfile.text, path: opened.dockerfile.label };
  onSource(dockerfile);
  const namedContexts = await openNamedContexts(request.contexts, door, closing);
  const kept = closing.move();
  const { tree: context, commitSeconds } = opened;
  return {
    ...{ dockerfile, context, namedContexts, door, commitSeconds },
    [Symbol.dispose]: () => kept.dispose(),
  };
}

/** One build of what is open; outputs are written unless `accept` throws. */
export function buildOnce(
  engine: Engine,
  request: BuildRequest,
  sources: BuildSources,
  onEvent: OnBuildEvent,
  accept: (built: BuildResult) => Promise<void> = async () => undefined,
): Promise<BuildResult> {
  const { outputs } = request;
  const tags = request.tags.map(canonicalName);
  const options: BuildOptions = {
    ...request,
    ...sources,
    createdSeconds: sources.commitSeconds,
    isStored: outputs.some(isStoring),
    onBuilt: async (built) => {
      await accept(built);
      for (const [index, output] of outputs.entries()) {
        await writeOutput(engine, output, built, { tags, step: -10 - index, onEvent });
      }
    },
  };
  return buildImage(engine, options, onEvent);
}

/** `--check`: what could be written better, without building. Throws what is wrong with the Dockerfile. */
export async function checkDockerfile(
  engine: Engine,
  request: Pick<BuildRequest, "context" | "file">,
): Promise<{ readonly source: BuildSource; readonly warnings: readonly Warning[] }> {
  using door = await openDoor(engine, undefined, undefined);
  using opened = await openContext(request.context, { file: request.file }, door);
  const { text, label } = opened.dockerfile;
  const { warnings } = parseDockerfile(text, label);
  return { source: { text, path: label }, warnings };
}

async function openDoor(
  engine: Engine,
  sshSocket: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ContextDoor & Disposable> {
  const scratch = await BuildScratch.open(engine.paths);
  let isRead = false;
  return {
    scratch,
    fetchUrl: urlFetcher(engine, signal),
    openStdin: () => {
      if (isRead) throw new BockerError("standard input can be read only once", { kind: "usage" });
      isRead = true;
      return piecesUntilAborted<Uint8Array>(createReadStream("", { fd: 0, autoClose: false }), signal);
    },
    sshSocket,
    [Symbol.dispose]: () => scratch[Symbol.dispose](),
  };
}

/** docker's two steps of its own: the Dockerfile, and the context with what is left out of it. */
async function tellOpening(
  { context, file, ignoreFile, buildArgs }: BuildRequest,
  door: ContextDoor,
  onEvent: OnBuildEvent,
): Promise<OpenedContext> {
  const step = -2;
  const beganMs = monotonicMs();
  const name = file === undefined || file === "-" ? "Dockerfile" : file.slice(file.lastIndexOf("/") + 1);
  onEvent({ kind: "started", step, title: `[internal] load build definition from ${name}` });
  try {
    const keepsGit = /^(?:1|t|true)$/i.test(buildArgs.get("BUILDKIT_CONTEXT_KEEP_GIT_DIR") ?? "");
    const opened = await openContext(context, { file, ignoreFile, keepsGit }, door);
    const bytes = Buffer.byteLength(opened.dockerfile.text);
    onEvent({ kind: "progress", step, text: `transferring dockerfile: ${bytes}B done` });
    onEvent({ kind: "done", step, ms: monotonicMs() - beganMs });
    return opened;
  } catch (error) {
    const message = messageOf(error);
    onEvent({ kind: "failed", step, ms: monotonicMs() - beganMs, message });
    throw error;
  }
}

async function openNamedContexts(
  words: ReadonlyMap<string, string>,
  door: ContextDoor,
  closing: DisposableStack,
): Promise<ReadonlyMap<string, NamedContext>> {
  const opened = new Map<string, NamedContext>();
  for (const [name, word] of words) {
    const image = /^(?:docker-image|container-image|docker):\/\/(.+)$/.exec(word)?.[1];
    if (image === undefined) {
      opened.set(name, { kind: "tree", tree: closing.use(await openNamedContext(word, door)).tree });
    } else opened.set(name, { kind: "image", name: image });
  }
  return opened;
}

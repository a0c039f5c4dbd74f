/**
 * `build`: a Dockerfile and a context become an image.
 *
 *   Dockerfile ─▶ stages that the target needs ─▶ each stage for itself, waiting for those it uses ─▶ image, names
 *
 * The image is stored and named in the end or not at all; finished steps stay in the build cache whatever happens. The
 * first step that fails ends the others.
 */
import type { OnBuildEvent } from "../build/build-event.ts";
import type { BuildOptions, BuildResult } from "../build/build-options.ts";
import { type BuildScope, resolveScope } from "../build/build-scope.ts";
import { DockerfileProblem, placeOf, renderExcerpt } from "../build/dockerfile/dockerfile-error.ts";
import { overrideStages } from "../build/dockerfile/override-stages.ts";
import { explained, parseDockerfile } from "../build/dockerfile/parse-dockerfile.ts";
import type { Dockerfile } from "../build/dockerfile/syntax.ts";
import { LayerCache } from "../build/layer-cache.ts";
import { planStages } from "../build/stage-graph.ts";
import { BockerError } from "../errors.ts";
import { hostPlatform } from "../image/platform.ts";
import { canonicalName, familiarName, type NamedReference } from "../image/reference.ts";
import { appendEvent } from "../state/event.ts";
import { collectGarbage } from "../storage/collect-garbage.ts";
import type { Brought } from "../storage/import-archive.ts";
import { fromErrorMessage, toErrorMessage } from "../storage/layer-message.ts";
import { holdStore } from "../storage/store-hold.ts";
import { encodeImage, storeImage } from "../storage/store-image.ts";
import { BaseImages } from "./build/base-images.ts";
import type { BuildContext, BuiltStage } from "./build/build-context.ts";
import { BuildSandbox } from "./build/build-sandbox.ts";
import { buildStage } from "./build/build-stage.ts";
import { BuildSteps } from "./build/build-steps.ts";
import { imageConfigOf } from "./build/image-config-of.ts";
import { JobLimit } from "./build/job-limit.ts";
import { squashStage } from "./build/squash-stage.ts";
import { sweepBuilds } from "./build/sweep-builds.ts";
import type { Engine } from "./engine.ts";
import { parseSourceDateEpoch } from "./image-time.ts";

/**
 * Builds. Throws kind `invalid-config` for what is wrong with the Dockerfile, with its place; kind `cancelled` when the
 * signal ended it; and BockerErrors in docker's words for steps that fail, `details.excerpt` their place. Nothing is
 * stored or tagged then.
 */
export async function buildImage(
  engine: Engine,
  options: BuildOptions,
  onEvent: OnBuildEvent,
): Promise<BuildResult> {
  const { text, path } = options.dockerfile;
  const dockerfile = overrideStages(parseDockerfile(text, path), options.overrides);
  await sweepBuilds(engine);
  const added: Added = { brought: { blobs: new Set(), layers: new Set() }, temporary: new Set() };
  try {
    const result = await buildHeld(engine, options, dockerfile, onEvent, added);
    if (added.temporary.size > 0) collectGarbage(engine, { among: { layers: added.temporary } });
    return result;
  } catch (error) {
    collectGarbage(engine, { among: added.brought });
    collectGarbage(engine, { among: { layers: added.temporary } });
    throw options.signal?.aborted ? cancelled(options.signal) : located(options, error);
  }
}

/** What is put into the store on the way, and is garbage unless something leads to it in the end. */
interface Added {
  readonly brought: Brought;
  /** Never to be kept. */
  readonly temporary: Set<string>;
}

async function buildHeld(
  engine: Engine,
  asked: BuildOptions,
  dockerfile: Dockerfile,
  onEvent: OnBuildEvent,
  { brought, temporary }: Added,
): Promise<BuildResult> {
  using _hold = await holdStore(engine.paths);
  const { text, path } = asked.dockerfile;
  const platform = asked.platform ?? hostPlatform();
  const { buildArgs, target, namedContexts } = asked;
  const { scope, graph } = explained(text, path, () => {
    const scope = resolveScope(dockerfile, {
      buildArgs,
      target,
      buildPlatform: hostPlatform(),
      targetPlatform: platform,
    });
    return {
      scope,
      graph: planStages(dockerfile, {
        scope,
        target,
        contexts: new Set(namedContexts.keys()),
        keepsUnused: !asked.skipsUnused,
      }),
    };
  });
  const options = { ...asked, epochSeconds: asked.epochSeconds ?? epochOfArgs(scope, dockerfile) };
  await using sandbox = new BuildSandbox(engine, options.run);
  const failure = new AbortController();
  const signal =
    options.signal === undefined ? failure.signal : AbortSignal.any([failure.signal, options.signal]);
  const steps = new BuildSteps(onEvent, signal);
  const cache = new LayerCache(engine.paths, engine.state, brought, options.oldestStepMs);
  const images = new BaseImages(engine, steps, options.pull, signal);
  const stages = new Map<number, Promise<BuiltStage>>();
  const build: BuildContext = {
    ...{
      engine,
      options,
      dockerfile,
      graph,
      scope,
      platform,
      steps,
      cache,
      sandbox,
      images,
      jobs: new JobLimit(options.jobs),
      temporary,
      signal,
    },
    stage: (index) => stages.getOrInsertComputed(index, () => startStage(build, index, failure)),
  };
  const built = await squashStage(build, await buildTarget(build, stages));
  cache.noteUses();
  return await finish(build, built, brought);
}

/**
 * An ARG SOURCE_DATE_EPOCH before the first FROM may have a default. `context` is what the build does anyway. Throws
 * DockerfileProblem for what is no number.
 */
function epochOfArgs({ global }: BuildScope, { globalArgs }: Dockerfile): number | undefined {
  const word = global.get("SOURCE_DATE_EPOCH");
  const isArg = ({ name }: { readonly name: string }) => name === "SOURCE_DATE_EPOCH";
  const place = globalArgs.findLast(({ definitions }) => definitions.some(isArg));
  try {
    return word === "context" ? undefined : parseSourceDateEpoch(word);
  } catch (error) {
    if (place === undefined || !(error instanceof BockerError)) throw error;
    throw new DockerfileProblem(error.message, place, { word });
  }
}

function startStage(build: BuildContext, index: number, failure: AbortController): Promise<BuiltStage> {
  const node = build.graph.nodes[index];
  if (node === undefined) throw new BockerError(`there is no stage ${index}`);
  const building = buildStage(build, node);
  building.catch((error) => failure.abort(error));
  return building;
}

/** All stages begin at once. Nothing of them goes on when this returns or throws; it throws what failed first. */
async function buildTarget(
  build: BuildContext,
  stages: ReadonlyMap<number, Promise<BuiltStage>>,
): Promise<BuiltStage> {
  for (const index of build.graph.needed) build.stage(index).catch(() => {});
  try {
    const built = await build.stage(build.graph.target);
    // A stage that nothing waits for may fail as well.
    await Promise.all(stages.values());
    return built;
  } catch (error) {
    throw build.signal.aborted ? build.signal.reason : error;
  } finally {
    await Promise.allSettled(stages.values());
  }
}

async function finish(build: BuildContext, built: BuiltStage, brought: Brought): Promise<BuildResult> {
  const { options, engine, steps } = build;
  const { annotations } = options;
  const config = imageConfigOf(built, options);
  const layers = built.layers.map(({ descriptor }) => descriptor);
  const format = options.finish?.format ?? "oci";
  const documents = encodeImage({ config, layers, annotations, format });
  return steps.run("exporting to image", undefined, async (step) => {
    const tags = options.tags.map((tag) => ({ reference: canonicalName(tag) }));
    step.progress("exporting layers");
    const result: BuildResult = {
      imageId: documents.config.descriptor.digest,
      manifest: documents.manifest.descriptor,
      config,
      layers,
      configBytes: documents.config.bytes,
      manifestBytes: documents.manifest.bytes,
      steps: build.cache.steps,
      image: undefined,
    };
    await options.onBuilt?.(result);
    if (!options.isStored) return result;
    const image = await storeImage(engine, { config, layers, annotations, tags, format }, brought);
    step.progress(`writing image ${image.id}`);
    for (const tag of options.tags) tellNamed(engine, image.id, tag, step.progress);
    return { ...result, image };
  });
}

function tellNamed(engine: Engine, id: string, tag: NamedReference, tell: (text: string) => void): void {
  appendEvent(engine.state, { type: "image", action: "tag", id, attributes: { name: familiarName(tag) } });
  tell(`naming to ${canonicalName(tag)}`);
}

function cancelled({ reason }: AbortSignal): BockerError {
  if (reason instanceof BockerError) return reason;
  return new BockerError("build canceled", { kind: "cancelled", cause: reason });
}

/** A problem with an instruction, with its place in the Dockerfile; the host's refusals (a full disk) in words. */
function located({ dockerfile }: BuildOptions, error: unknown): unknown {
  if (error instanceof Error && "code" in error && !(error instanceof BockerError)) {
    return fromErrorMessage(toErrorMessage(error));
  }
  if (!(error instanceof DockerfileProblem)) return error;
  const { location, options, message } = error;
  const { text, path } = dockerfile;
  return new BockerError(message, {
    kind: "invalid-config",
    ...(options.hint === undefined ? {} : { hint: options.hint }),
    details: {
      path,
      ...placeOf(text, location, options.word),
      excerpt: renderExcerpt(path, text, location, options),
    },
    cause: error.cause,
  });
}

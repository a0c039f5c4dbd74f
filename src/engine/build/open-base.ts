/**
 * What a stage begins with: an image, another stage, a named context, or nothing; and the triggers that it brings along.
 */
import { digestOfPlan, planCopy } from "../../build/copy/plan-copy.ts";
import { DockerfileProblem } from "../../build/dockerfile/dockerfile-error.ts";
import { parseTrigger } from "../../build/dockerfile/parse-dockerfile.ts";
import type { Instruction, Stage } from "../../build/dockerfile/syntax.ts";
import { keyOf } from "../../build/layer-cache.ts";
import type { SourceTree } from "../../build/source-tree.ts";
import { nameOf, type StageNode, withTriggers } from "../../build/stage-graph.ts";
import { plainCopy, stateOfImage, stateOfStage } from "../../build/stage-state.ts";
import { BockerError } from "../../errors.ts";
import { parseDiffID } from "../../image/digest.ts";
import { type Platform, parsePlatform } from "../../image/platform.ts";
import { isReference } from "../../image/reference.ts";
import type { BaseImage } from "./base-images.ts";
import type { BuildContext, BuiltStage } from "./build-context.ts";
import { stepTitles } from "./step-title.ts";

/** Time of what has no image below it: the first that every archive format can hold. */
const eighties = 315_532_800;

export interface OpenedBase {
  readonly base: BuiltStage;
  /** The node, with what triggers copy from. */
  readonly node: StageNode;
  /** Triggers first. */
  readonly instructions: readonly Instruction[];
}

/** Waits for the stage or image. Throws DockerfileProblem where it cannot be a base. */
export async function openBase(build: BuildContext, node: StageNode): Promise<OpenedBase> {
  const { stage } = node;
  const found = await findBase(build, node, platformOf(build, node));
  const triggers = found.triggers.map((text) => parseTrigger(text, stage));
  const instructions = [...triggers, ...stage.instructions];
  if (found.title !== undefined) {
    const title = `${stepTitles(build.graph, node, instructions).base} FROM ${found.title}`;
    await build.steps.run(title, stage, async (step) => step.cached());
  }
  const contexts = new Set(build.options.namedContexts.keys());
  const whole = withTriggers(node, triggers, build.dockerfile.stages, contexts);
  return { base: found.base, node: whole, instructions };
}

interface FoundBase {
  readonly base: BuiltStage;
  readonly triggers: readonly string[];
  /** Of an image. */
  readonly title?: string;
}

async function findBase(build: BuildContext, node: StageNode, platform: Platform): Promise<FoundBase> {
  const { base: ref, stage } = node;
  switch (ref.kind) {
    case "scratch":
      return { base: emptyBase(build, platform), triggers: [] };
    case "stage": {
      const before = await build.stage(ref.index);
      const triggers = before.state.config.OnBuild ?? [];
      return { base: { ...before, state: stateOfStage(before.state) }, triggers };
    }
    case "image":
      return imageBase(build, stage, ref.name, platform);
    case "context": {
      const named = build.options.namedContexts.get(ref.name);
      if (named?.kind !== "tree") return imageBase(build, stage, named?.name ?? ref.name, platform);
      return { base: await treeBase(build, node, named.tree, platform), triggers: [] };
    }
  }
}

function platformOf(build: BuildContext, { platform, stage }: StageNode): Platform {
  if (platform === undefined) return build.platform;
  try {
    return parsePlatform(platform);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new DockerfileProblem(error.message, stage, { word: platform });
  }
}

async function imageBase(
  build: BuildContext,
  stage: Stage,
  name: string,
  platform: Platform,
): Promise<FoundBase> {
  if (!isReference(name)) {
    const message = `failed to parse stage name ${JSON.stringify(name)}: invalid reference format`;
    throw new DockerfileProblem(message, stage, { word: stage.base });
  }
  const image = await build.images.find(name, platform).catch((error) => {
    if (!(error instanceof BockerError) || error.kind === "cancelled") throw error;
    const { hint, message } = error;
    throw new DockerfileProblem(message, stage, { word: stage.base, hint });
  });
  const triggers = image.config.config.OnBuild ?? [];
  return { base: stageOfImage(build, image, platform), triggers, title: image.title };
}

function stageOfImage(
  { options }: BuildContext,
  { id, config, layers }: BaseImage,
  wanted: Platform,
): BuiltStage {
  const made = Date.parse(config.created ?? "");
  const { os, architecture, variant } = config;
  return {
    state: stateOfImage(config.config, config.history, config.author),
    layers,
    platform:
      architecture === "" ? wanted : { os, architecture, ...(variant === undefined ? {} : { variant }) },
    baseHistory: config.history.length,
    baseLayers: layers.length,
    baseId: id,
    epochSeconds: options.epochSeconds ?? (made > 0 ? Math.floor(made / 1000) : eighties),
  };
}

function emptyBase({ options }: BuildContext, platform: Platform): BuiltStage {
  return {
    state: stateOfImage({}, [], undefined),
    layers: [],
    platform,
    baseHistory: 0,
    baseLayers: 0,
    baseId: undefined,
    epochSeconds: options.epochSeconds ?? eighties,
  };
}

/** The files of a context as one layer. */
async function treeBase(
  build: BuildContext,
  { stage }: StageNode,
  tree: SourceTree,
  platform: Platform,
): Promise<BuiltStage> {
  const base = emptyBase(build, platform);
  const plan = planCopy({
    effect: { ...plainCopy, sources: ["/"], location: stage },
    sources: [{ tree, path: "/" }],
    targetRoot: undefined,
    owner: undefined,
    seconds: base.epochSeconds,
  });
  const title = `[context ${nameOf(stage)}] load from client`;
  const layer = await build.steps.run(title, stage, async (step) => {
    const digest = digestOfPlan(plan);
    const key = keyOf({ step: "copy", layers: [], digest });
    const known = build.cache.find(key);
    if (known !== undefined) step.cached();
    return known ?? build.cache.store({ key, description: title }, plan.pack(), parseDiffID(digest));
  });
  return { ...base, layers: [layer], baseLayers: 1 };
}

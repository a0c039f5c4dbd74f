/**
 * One stage of a build: its base, then instruction by instruction, each a change of state and perhaps a layer.
 *
 * A step is taken from the cache when the files before it are the same, byte for byte, and everything else that it depends
 * on. What comes before in the Dockerfile does not count by itself: a LABEL that has changed makes nothing anew.
 */
import { closeSync } from "node:fs";
import { openCopySources } from "../../build/context/add-sources.ts";
import { type CopyPlan, digestOfPlan, planCopy } from "../../build/copy/plan-copy.ts";
import { planDirectory } from "../../build/copy/plan-directory.ts";
import { DockerfileProblem } from "../../build/dockerfile/dockerfile-error.ts";
import type { Instruction } from "../../build/dockerfile/syntax.ts";
import { evaluate } from "../../build/evaluate.ts";
import { keyOf, type StepLayer } from "../../build/layer-cache.ts";
import { nameOf, type StageNode } from "../../build/stage-graph.ts";
import type { CopyEffect, Effect, MakeDirectoryEffect, RunEffect } from "../../build/stage-state.ts";
import { parseDiffID } from "../../image/digest.ts";
import { lookUpUser } from "../container-user.ts";
import type { BuildContext, BuiltStage } from "./build-context.ts";
import type { OpenStep } from "./build-steps.ts";
import { type OpenSource, openLayersRoot, openSource } from "./copy-sources.ts";
import { checkEntitlements } from "./entitlement.ts";
import { openBase } from "./open-base.ts";
import { resolveMounts } from "./resolve-mounts.ts";
import { runStep } from "./run-step.ts";
import { runFacts } from "./step-key.ts";
import { stepTitles } from "./step-title.ts";
import { takeTurn } from "./step-turn.ts";

/** Builds the stage; what is wrong with it is a DockerfileProblem, or an error in docker's words. */
export async function buildStage(build: BuildContext, node: StageNode): Promise<BuiltStage> {
  const { base, node: whole, instructions } = await openBase(build, node);
  return new StageBuilder(build, whole, base).build(instructions);
}

class StageBuilder {
  readonly #build: BuildContext;
  readonly #node: StageNode;
  #stage: BuiltStage;

  constructor(build: BuildContext, node: StageNode, base: BuiltStage) {
    this.#build = build;
    this.#node = node;
    this.#stage = base;
  }

  async build(instructions: readonly Instruction[]): Promise<BuiltStage> {
    const titles = stepTitles(this.#build.graph, this.#node, instructions).instructions;
    for (const [index, instruction] of instructions.entries()) {
      const { state, effect, title, unset } = evaluate(instruction, this.#stage.state, this.#build.scope);
      for (const name of unset) this.#warnUnset(name, instruction);
      this.#stage = { ...this.#stage, state };
      if (effect === undefined) continue;
      const layer = await this.#build.steps.run(`${titles[index]} ${title}`, instruction, (step) =>
        this.#carryOut(effect, title, step),
      );
      this.#stage = { ...this.#stage, layers: [...this.#stage.layers, layer] };
    }
    return this.#stage;
  }

  #warnUnset(name: string, instruction: Instruction): void {
    this.#build.steps.warn(`UndefinedVar: Usage of undefined variable '$${name}'`, instruction);
  }

  #carryOut(effect: Effect, title: string, step: OpenStep): Promise<StepLayer> {
    this.#build.signal.throwIfAborted();
    if (effect.kind === "run") return this.#run(effect, title, step);
    return effect.kind === "copy"
      ? this.#copy(effect, title, step)
      : this.#makeDirectory(effect, title, step);
  }

  async #run(effect: RunEffect, title: string, step: OpenStep): Promise<StepLayer> {
    const { engine, sandbox, signal, cache } = this.#build;
    const layers = this.#diffIDs();
    const { epochSeconds: latestSeconds } = this.#stage;
    const mounts = await resolveMounts(this.#build, this.#node, effect, latestSeconds);
    const key = keyOf({ step: "run", layers, latestSeconds, ...runFacts(effect, mounts, sandbox.config) });
    using _turn = this.#ignoresCache ? undefined : await takeTurn(engine, key, signal);
    const known = this.#known(key, step);
    if (known !== undefined) return known;
    const onOutput = step.output;
    checkEntitlements(effect, sandbox.settings);
    const request = { effect, layers, mounts, latestSeconds, onOutput, signal };
    using _job = await this.#build.jobs.enter();
    signal.throwIfAborted();
    using changes = await runStep(engine, sandbox, request);
    // Awaited here: the changes are gone when this function is left.
    return await cache.store({ key, description: title }, changes.pack());
  }

  async #copy(effect: CopyEffect, title: string, step: OpenStep): Promise<StepLayer> {
    const { layers, epochSeconds: seconds } = this.#stage;
    using source = await this.#openSource(effect);
    using opened = await openCopySources(effect, source.tree, this.#build.options.door);
    const root = openLayersRoot(this.#build, layers);
    try {
      const owner = effect.chown === undefined ? undefined : ownerOf(effect.chown, root, effect);
      const { sources } = opened;
      const plan = planCopy({ effect, sources, targetRoot: root, owner, seconds });
      return await this.#storePlan(plan, title, step);
    } finally {
      closeSync(root);
    }
  }

  #openSource({ from, sources, location }: CopyEffect): Promise<OpenSource> {
    const ref = from === undefined ? undefined : this.#node.sources.get(from);
    return openSource(this.#build, sources.length === 0 ? { kind: "scratch" } : ref, location);
  }

  async #makeDirectory(effect: MakeDirectoryEffect, title: string, step: OpenStep): Promise<StepLayer> {
    const { layers, epochSeconds: seconds } = this.#stage;
    const root = openLayersRoot(this.#build, layers);
    try {
      const owner = effect.user === "" ? undefined : ownerOf(effect.user, root, effect);
      const { path, location } = effect;
      const plan = planDirectory({ path, location, owner, seconds, targetRoot: root });
      return await this.#storePlan(plan, title, step);
    } finally {
      closeSync(root);
    }
  }

  /** The tar is the same for the same files, so that its digest is all that the step depends on. */
  async #storePlan(plan: CopyPlan, title: string, step: OpenStep): Promise<StepLayer> {
    const digest = digestOfPlan(plan);
    const key = keyOf({ step: "copy", layers: this.#diffIDs(), digest });
    const known = this.#known(key, step);
    if (known !== undefined) return known;
    return this.#build.cache.store({ key, description: title }, plan.pack(), parseDiffID(digest));
  }

  get #ignoresCache(): boolean {
    const { cache } = this.#build.options;
    if (cache === "use" || cache === "ignore") return cache === "ignore";
    return cache.ignoredStages.has(nameOf(this.#node.stage).toLowerCase());
  }

  #known(key: string, step: OpenStep): StepLayer | undefined {
    const layer = this.#ignoresCache ? undefined : this.#build.cache.find(key);
    if (layer !== undefined) step.cached();
    return layer;
  }

  #diffIDs() {
    return this.#stage.layers.map(({ diffID }) => diffID);
  }
}

/** `user[:group]` by the files of the tree. A number alone is the group too, as docker has it. */
function ownerOf(
  words: string,
  root: number,
  effect: Effect,
): { readonly uid: number; readonly gid: number } {
  try {
    const spec = /^\d+$/.test(words) ? `${words}:${words}` : words;
    const { uid, gid } = lookUpUser(root, spec, []);
    return { uid, gid };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new DockerfileProblem(error.message, effect.location, { word: words });
  }
}

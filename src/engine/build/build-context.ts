/**
 * What all stages of one build share. Types only.
 */
import type { BuildOptions } from "../../build/build-options.ts";
import type { BuildScope } from "../../build/build-scope.ts";
import type { Dockerfile } from "../../build/dockerfile/syntax.ts";
import type { LayerCache, StepLayer } from "../../build/layer-cache.ts";
import type { StageGraph } from "../../build/stage-graph.ts";
import type { StageState } from "../../build/stage-state.ts";
import type { Platform } from "../../image/platform.ts";
import type { Engine } from "../engine.ts";
import type { BaseImages } from "./base-images.ts";
import type { BuildSandbox } from "./build-sandbox.ts";
import type { BuildSteps } from "./build-steps.ts";
import type { JobLimit } from "./job-limit.ts";

export interface BuildContext {
  readonly engine: Engine;
  readonly options: BuildOptions;
  readonly dockerfile: Dockerfile;
  readonly graph: StageGraph;
  readonly scope: BuildScope;
  readonly platform: Platform;
  readonly steps: BuildSteps;
  readonly cache: LayerCache;
  readonly sandbox: BuildSandbox;
  readonly images: BaseImages;
  readonly jobs: JobLimit;
  /** diffIDs of layers that nobody needs when it has ended. */
  readonly temporary: Set<string>;
  /** Aborted by the caller, or by the first stage that fails. */
  readonly signal: AbortSignal;
  /** Builds it, or waits for whoever does already. */
  stage(index: number): Promise<BuiltStage>;
}

/** A stage after its last instruction. */
export interface BuiltStage {
  readonly state: StageState;
  /** Bottom first, those of the base included. */
  readonly layers: readonly StepLayer[];
  readonly platform: Platform;
  /** How many entries of the history are the base image's, to be left as they are. */
  readonly baseHistory: number;
  /** How many layers are the base image's. */
  readonly baseLayers: number;
  /** The base image's, a digest; undefined: there is none. */
  readonly baseId: string | undefined;
  /** Time of what is made in it, seconds since 1970. */
  readonly epochSeconds: number;
}

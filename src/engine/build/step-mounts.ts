/**
 * `RUN --mount`: what each names, found, opened and locked for one step.
 */
import { BockerError } from "../../errors.ts";
import type { Engine } from "../engine.ts";
import type { OpenStage } from "../mount-stage.ts";
import type { BuildSandbox, SandboxPlace } from "./build-sandbox.ts";
import type { MountWords } from "./step-config.ts";
import type { StepRequest } from "./step-request.ts";

export interface StepMounts extends Disposable {
  readonly config: MountWords;
  readonly stage: OpenStage;
}

/** Disposing gives back locks and descriptors. */
export async function openStepMounts(
  _engine: Engine,
  _sandbox: BuildSandbox,
  _place: SandboxPlace,
  { effect }: StepRequest,
): Promise<StepMounts> {
  if (effect.mounts.length > 0)
    throw new BockerError("RUN --mount is not there yet", { kind: "unsupported" });
  const stage: OpenStage = {
    mounts: [],
    sources: { volumes: {} },
    files: [],
    fds: {},
    [Symbol.dispose]() {},
  };
  return { config: { mounts: [], env: [] }, stage, [Symbol.dispose]: () => stage[Symbol.dispose]() };
}

/**
 * `build`: a Dockerfile and a context become an image.
 */
import type { OnBuildEvent } from "../build/build-event.ts";
import type { BuildOptions, BuildResult } from "../build/build-options.ts";
import { BockerError } from "../errors.ts";
import type { Engine } from "./engine.ts";

/**
 * Builds. Throws kind `invalid-config` for what is wrong with the Dockerfile, with its place, and BockerErrors in docker's
 * words for steps that fail; nothing is tagged then.
 */
export async function buildImage(
  _engine: Engine,
  _options: BuildOptions,
  _onEvent: OnBuildEvent,
): Promise<BuildResult> {
  throw new BockerError("build is not there yet", { kind: "unsupported" });
}

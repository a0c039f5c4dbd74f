/**
 * Images that a build begins with or copies from: found or pulled once, whoever asks.
 */
import type { StepLayer } from "../../build/layer-cache.ts";
import { BockerError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import { type ImageConfig, parseImageConfig } from "../../image/image-config.ts";
import { maxManifestBytes, parseManifest } from "../../image/manifest.ts";
import { type Platform, renderPlatform } from "../../image/platform.ts";
import { canonicalName, isReference, parseReference, withDefaultTag } from "../../image/reference.ts";
import { getImage } from "../../state/image.ts";
import { BlobStore } from "../../storage/blob-store.ts";
import type { Engine } from "../engine.ts";
import type { PullEvent } from "../pull-event.ts";
import { resolveImage } from "../resolve-image.ts";
import { untilAborted } from "../until-aborted.ts";
import type { BuildSteps, OpenStep } from "./build-steps.ts";

export interface BaseImage {
  /** Digest of the config. */
  readonly id: string;
  /** Canonical name with the manifest's digest, as docker's builder tells it. */
  readonly title: string;
  readonly config: ImageConfig;
  readonly layers: readonly StepLayer[];
}

export class BaseImages {
  readonly #engine: Engine;
  readonly #steps: BuildSteps;
  readonly #pull: boolean;
  readonly #signal: AbortSignal;
  readonly #found = new Map<string, Promise<BaseImage>>();

  constructor(engine: Engine, steps: BuildSteps, pull: boolean, signal: AbortSignal) {
    this.#engine = engine;
    this.#steps = steps;
    this.#signal = signal;
    this.#pull = pull;
  }

  /** Throws docker's phrases for names that are malformed, unknown or unreachable. */
  find(name: string, platform: Platform): Promise<BaseImage> {
    const key = `${name} ${renderPlatform(platform)}`;
    return this.#found.getOrInsertComputed(key, () => this.#load(name, platform));
  }

  #load(name: string, platform: Platform): Promise<BaseImage> {
    const known = isReference(name) ? canonicalName(withDefaultTag(parseReference(name))) : name;
    return this.#steps.run(`[internal] load metadata for ${known}`, undefined, async (step) => {
      try {
        return await this.#resolve(name, known, platform, step);
      } catch (error) {
        if (!(error instanceof BockerError) || this.#signal.aborted) throw error;
        const { kind, hint, message } = error;
        throw new BockerError(`${name}: failed to resolve source metadata for ${known}: ${message}`, {
          kind,
          cause: error.cause,
          ...(hint === undefined ? {} : { hint }),
        });
      }
    });
  }

  async #resolve(name: string, known: string, platform: Platform, step: OpenStep): Promise<BaseImage> {
    const pull = this.#pull ? "always" : "missing";
    const wanted = { image: name, pull, platform: renderPlatform(platform) } as const;
    const onProgress = (event: PullEvent) => tellPull(event, step.progress);
    const resolving = resolveImage(this.#engine, wanted, { onMissing: () => {}, onProgress });
    const local = await untilAborted(resolving, this.#signal);
    const config = parseImageConfig(local.configBytes);
    const { digest, layers } = this.#layersOf(local.id, config);
    return { id: local.id, title: `${known}@${digest}`, config, layers };
  }

  #layersOf(id: string, config: ImageConfig): { digest: Digest; layers: readonly StepLayer[] } {
    const digest = getImage(this.#engine.state, id)?.manifestDigest as Digest | undefined;
    if (digest === undefined) throw new BockerError(`No such image: ${id}`, { kind: "not-found" });
    const manifest = parseManifest(new BlobStore(this.#engine.paths).readBytes(digest, maxManifestBytes));
    const diffIDs = config.rootfs.diff_ids;
    if (manifest.kind !== "manifest" || manifest.layers.length !== diffIDs.length) {
      throw new BockerError(`the manifest of image ${id} does not fit its config`, { kind: "corrupt" });
    }
    const layers = manifest.layers.flatMap((descriptor, index) => {
      const diffID = diffIDs[index];
      return diffID === undefined ? [] : [{ diffID, descriptor }];
    });
    return { digest, layers };
  }
}

function tellPull(event: PullEvent, tell: (text: string) => void): void {
  if (event.kind === "warning") tell(event.message);
  else if (event.kind === "digest") tell(`resolved ${event.digest}`);
  else if (event.kind === "layer" && event.status === "Pull complete") tell(`${event.id}: ${event.status}`);
}

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
import type { BuildSteps } from "./build-steps.ts";

export interface BaseImage {
  /** Canonical name with the manifest's digest, as docker's builder tells it. */
  readonly title: string;
  readonly config: ImageConfig;
  readonly layers: readonly StepLayer[];
}

export class BaseImages {
  readonly #engine: Engine;
  readonly #steps: BuildSteps;
  readonly #pull: boolean;
  readonly #found = new Map<string, Promise<BaseImage>>();

  constructor(engine: Engine, steps: BuildSteps, pull: boolean) {
    this.#engine = engine;
    this.#steps = steps;
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
      const local = await resolveImage(
        this.#engine,
        { image: name, pull: this.#pull ? "always" : "missing", platform: renderPlatform(platform) },
        { onMissing: () => {}, onProgress: (event) => tellPull(event, (text) => step.progress(text)) },
      );
      const config = parseImageConfig(local.configBytes);
      const { digest, layers } = this.#layersOf(local.id, config);
      return { title: `${known}@${digest}`, config, layers };
    });
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
}

/**
 * What a build is asked for, and what it gives. Types only; src/cli makes the options, contexts open and secrets read.
 */
import type { ContainerConfig, ResourceConfig, UlimitConfig } from "../config/container-config.ts";
import type { ImageConfig } from "../image/image-config.ts";
import type { Descriptor } from "../image/manifest.ts";
import type { ImageFormat } from "../image/media-type.ts";
import type { Platform } from "../image/platform.ts";
import type { NamedReference } from "../image/reference.ts";
import type { ImageRecord } from "../state/record.ts";
import type { ContextDoor } from "./context/context-door.ts";
import type { StageOverrides } from "./dockerfile/override-stages.ts";
import type { MadeStep } from "./layer-cache.ts";
import type { SourceTree } from "./source-tree.ts";

export interface BuildOptions {
  /** Its text, and what messages call it. */
  readonly dockerfile: { readonly text: string; readonly path: string };
  /** The build context, open until the build has ended; undefined: there is none, only a Dockerfile. */
  readonly context: SourceTree | undefined;
  /** `--build-context`, by name. */
  readonly namedContexts: ReadonlyMap<string, NamedContext>;
  /** For openCopySources: what ADD fetches and unpacks goes through it. */
  readonly door: ContextDoor;
  readonly buildArgs: ReadonlyMap<string, string>;
  /** undefined: the last stage. */
  readonly target: string | undefined;
  /** undefined: this machine's. */
  readonly platform: Platform | undefined;
  /** Base images are looked up in their registry even when they are here. */
  readonly pull: boolean;
  /** What steps may take over from earlier builds: all, none, or all but those of these stages (names in lower case). */
  readonly cache: "use" | "ignore" | { readonly ignoredStages: ReadonlySet<string> };
  /** Steps made before are not taken over; undefined: all are. */
  readonly oldestStepMs?: number | undefined;
  /** Most RUNs at the same time; undefined: no limit. */
  readonly jobs?: number | undefined;
  /** Stages that the target does not need are left out. */
  readonly skipsUnused: boolean;
  /** What is built in place of what is written. */
  readonly overrides: StageOverrides;
  /**
   * SOURCE_DATE_EPOCH or --timestamp, in seconds: the time of the image and the latest of its files. undefined: when the
   * base image was made, 1980 for scratch.
   */
  readonly epochSeconds: number | undefined;
  /** When the context was made, where it tells: the time of the image alone, so that a commit makes no step anew. */
  readonly createdSeconds?: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  /** What is done to the image after its last instruction; undefined: nothing. */
  readonly finish?: FinishOptions | undefined;
  readonly tags: readonly NamedReference[];
  /** False: the result is only for `onBuilt`, and no image is kept. */
  readonly isStored: boolean;
  /** Called before the build lets its layers go, and before it keeps and names an image: it may export them, or throw. */
  readonly onBuilt?: (result: BuildResult) => Promise<void>;
  readonly run: RunSettings;
  /** Ends the build: steps are killed, nothing stays but finished ones in the cache. */
  readonly signal?: AbortSignal;
}

/** podman's options, and docker's `--squash`, that change an image as a whole. */
export interface FinishOptions {
  /** Which layers become one: those above the base, or all. */
  readonly squash: "new" | "all" | undefined;
  /** Variables that RUN had and the image has not. */
  readonly unsetEnv: readonly string[];
  readonly unsetLabels: readonly string[];
  readonly omitsHistory: boolean;
  /** Whose names for documents and layers the manifest uses. */
  readonly format: ImageFormat;
}

/** How the containers of RUN are made, beside what the Dockerfile says. */
export interface RunSettings {
  readonly network: "default" | "none" | "host";
  /** `name:ip`, or `name:host-gateway`. */
  readonly addHosts: readonly string[];
  readonly ulimits: readonly UlimitConfig[];
  /** undefined: 64 MiB. */
  readonly shmSizeBytes: number | undefined;
  readonly resources: ResourceConfig;
  readonly cgroupParent: string | undefined;
  /** More of what run can ask for; mounts are directories of the host. */
  readonly container: Pick<
    ContainerConfig,
    "capAdd" | "capDrop" | "dns" | "dnsSearch" | "dnsOptions" | "noHosts" | "mounts"
  >;
  /** undefined: docker's. */
  readonly hostname: string | undefined;
  /** By id. */
  readonly secrets: ReadonlyMap<string, Uint8Array>;
  /** Sockets of agents on the host, by id; `default` is the one that RUN means when it names none. */
  readonly agents: ReadonlyMap<string, string>;
  readonly allowed: ReadonlySet<Entitlement>;
}

export type Entitlement = "network.host" | "security.insecure";

/** docker-image://X, or files. */
export type NamedContext =
  | { readonly kind: "image"; readonly name: string }
  | { readonly kind: "tree"; readonly tree: SourceTree };

export interface BuildResult {
  /** Digest of the config. */
  readonly imageId: string;
  readonly manifest: Descriptor;
  readonly config: ImageConfig;
  /** As many as the config has diffIDs, bottom first; all of them are in the store, unpacked too. */
  readonly layers: readonly Descriptor[];
  /** The documents, for who writes them elsewhere. */
  readonly configBytes: Uint8Array;
  readonly manifestBytes: Uint8Array;
  /** What the build has made or found again, as its cache has it. */
  readonly steps: readonly MadeStep[];
  /** undefined where none was to be kept. */
  readonly image: ImageRecord | undefined;
}

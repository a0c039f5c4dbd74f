/**
 * What a build tells while it goes on: steps by number, from their start to their end, and what they print. Types only.
 *
 * A step is told as `started` once its turn has come; `output` follows as it is printed; one of `cached`, `done`,
 * `failed` and `cancelled` ends it. Steps of different stages overlap.
 */
import type { Location } from "./dockerfile/syntax.ts";

export type BuildEvent =
  | {
      readonly kind: "started";
      /** Of this build, from 1, in the order of their starts. */
      readonly step: number;
      /** `[build 2/4] RUN make`, or of the engine's own doing: `[internal] load metadata for docker.io/library/alpine:latest`. */
      readonly title: string;
      /** The instruction, where it is one of the Dockerfile's. */
      readonly location?: Location;
    }
  | {
      readonly kind: "output";
      readonly step: number;
      readonly stream: "stdout" | "stderr";
      /** As it came: not cut at lines. */
      readonly bytes: Uint8Array;
    }
  /** One line about how far a step is: a download, an export. */
  | { readonly kind: "progress"; readonly step: number; readonly text: string }
  | { readonly kind: "cached"; readonly step: number; readonly ms: number }
  | { readonly kind: "done"; readonly step: number; readonly ms: number }
  | { readonly kind: "failed"; readonly step: number; readonly ms: number; readonly message: string }
  /** Another step has failed, or somebody has had enough. */
  | { readonly kind: "cancelled"; readonly step: number; readonly ms: number }
  | { readonly kind: "warning"; readonly message: string; readonly location?: Location };

export type OnBuildEvent = (event: BuildEvent) => void;

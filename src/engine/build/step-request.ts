/** What a RUN is given. Types only. */
import type { RunMount } from "../../build/dockerfile/run-mount.ts";
import type { RunEffect } from "../../build/stage-state.ts";
import type { DiffID } from "../../image/digest.ts";

export interface StepRequest {
  readonly effect: RunEffect;
  /** The files so far, bottom first. */
  readonly layers: readonly DiffID[];
  /** Of `effect.mounts`, in their order. */
  readonly mounts: readonly StepMount[];
  /** Later times in the layer become this, in seconds. */
  readonly latestSeconds: number;
  readonly onOutput: (stream: "stdout" | "stderr", bytes: Uint8Array) => void;
  readonly signal: AbortSignal;
}

/** A `--mount` of which is known where it goes and what it is from. */
export interface StepMount {
  readonly mount: RunMount;
  /** Absolute. */
  readonly target: string;
  /** Files of layers; undefined for what has none of its own. */
  readonly content: MountContent | undefined;
}

export interface MountContent {
  readonly layers: readonly DiffID[];
  /** What of them; relative, empty: all. */
  readonly subpath: string;
  /** Puts the layers into the store, where they are not there yet. */
  readonly store: () => Promise<void>;
}

/** What a RUN is given. Types only. */
import type { RunEffect } from "../../build/stage-state.ts";
import type { DiffID } from "../../image/digest.ts";

export interface StepRequest {
  readonly effect: RunEffect;
  /** The files so far, bottom first. */
  readonly layers: readonly DiffID[];
  /** Later times in the layer become this, in seconds. */
  readonly latestSeconds: number;
  readonly onOutput: (stream: "stdout" | "stderr", bytes: Uint8Array) => void;
  readonly signal: AbortSignal;
}

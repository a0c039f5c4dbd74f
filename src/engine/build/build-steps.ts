/**
 * Steps of one build, numbered and told of from their start to their end.
 */
import type { OnBuildEvent } from "../../build/build-event.ts";
import type { Location } from "../../build/dockerfile/syntax.ts";
import { messageOf } from "../../errors.ts";
import { monotonicMs } from "../../host/clock.ts";

/** One step while it goes on. */
export interface OpenStep {
  output(stream: "stdout" | "stderr", bytes: Uint8Array): void;
  progress(text: string): void;
  /** It need not be done again. */
  cached(): void;
}

export class BuildSteps {
  readonly #tell: OnBuildEvent;
  readonly #signal: AbortSignal;
  #count = 0;

  constructor(tell: OnBuildEvent, signal: AbortSignal) {
    this.#tell = tell;
    this.#signal = signal;
  }

  warn(message: string, location?: Location): void {
    this.#tell({ kind: "warning", message, ...(location === undefined ? {} : { location }) });
  }

  /** Tells of a step around `work`, however that ends. */
  async run<Result>(
    title: string,
    location: Location | undefined,
    work: (step: OpenStep) => Promise<Result>,
  ): Promise<Result> {
    this.#count += 1;
    const step = this.#count;
    const began = monotonicMs();
    const ms = () => Math.round(monotonicMs() - began);
    let isCached = false;
    this.#tell({ kind: "started", step, title, ...(location === undefined ? {} : { location }) });
    try {
      const result = await work({
        output: (stream, bytes) => this.#tell({ kind: "output", step, stream, bytes }),
        progress: (text) => this.#tell({ kind: "progress", step, text }),
        cached: () => {
          isCached = true;
        },
      });
      this.#tell({ kind: isCached ? "cached" : "done", step, ms: ms() });
      return result;
    } catch (error) {
      if (this.#signal.aborted) this.#tell({ kind: "cancelled", step, ms: ms() });
      else this.#tell({ kind: "failed", step, ms: ms(), message: messageOf(error) });
      throw error;
    }
  }
}

/**
 * `--timeout`: the end of the time that one run of a container may take, as podman has it.
 */
import { sinceBootMs } from "../host/clock.ts";

/** podman's (conmon's) code of a run that was killed so; as a process's own it is 255. */
export const timedOutExitCode = -1;

/** What a timer can wait at most. */
const longestWaitMs = 0x7fff_ffff;

export class RunDeadline {
  readonly #atMs: number;
  readonly #passed: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasPassed = false;

  /** `atMs`: on the clock of sinceBootMs, which goes on while the machine sleeps. `passed` is called once. */
  constructor(atMs: number, passed: () => void) {
    this.#atMs = atMs;
    this.#passed = passed;
    this.#wait();
  }

  get hasPassed(): boolean {
    return this.#hasPassed;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    const leftMs = this.#atMs - sinceBootMs();
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(leftMs, 0), longestWaitMs));
  }

  #look(): void {
    if (sinceBootMs() < this.#atMs) {
      this.#wait();
      return;
    }
    this.#hasPassed = true;
    this.#passed();
  }
}

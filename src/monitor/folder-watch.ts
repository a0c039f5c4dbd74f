/**
 * Waiting for something to change in a folder: inotify, and a look from time to time where that does not work (too many
 * watches, file systems without it).
 */
import { type FSWatcher, watch } from "node:fs";

const lookAgainMs = 250;

export class FolderWatch {
  /** Set once nothing will change any more. */
  finished = false;
  readonly #watcher: FSWatcher | undefined;
  #isChanged = false;
  #wake: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(folder: string) {
    this.#watcher = tryWatch(folder, () => this.#change());
  }

  /** Kept after the next change; at once when there was one since the last call. */
  changed(): Promise<void> {
    if (this.#isChanged || this.finished) {
      this.#isChanged = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(() => this.#change(), lookAgainMs);
    });
  }

  /** Ends every waiting. */
  finish(): void {
    this.finished = true;
    this.#change();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  #change(): void {
    this.#isChanged = true;
    const wake = this.#wake;
    if (wake === undefined) return;
    this.#wake = undefined;
    this.#isChanged = false;
    clearTimeout(this.#timer);
    wake();
  }
}

function tryWatch(folder: string, changed: () => void): FSWatcher | undefined {
  try {
    return watch(folder, changed).on("error", () => undefined);
  } catch {
    return undefined;
  }
}

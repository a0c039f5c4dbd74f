/**
 * `--pidfile`: opened before the container is started, so that one that cannot be written stops the start; written when
 * there is a process.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { BockerError, messageOf } from "../errors.ts";

export class PidFile implements Disposable {
  readonly #fd: number;

  /** Empties the file. Throws kind `host` naming it. */
  constructor(path: string) {
    try {
      this.#fd = openSync(path, "w", 0o644);
    } catch (cause) {
      throw new BockerError(
        `cannot write the pid file "${path}": ${messageOf(cause).replace(/, open '.*/s, "")}`,
        {
          kind: "host",
          cause,
        },
      );
    }
  }

  write(pid: number): void {
    writeSync(this.#fd, String(pid));
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

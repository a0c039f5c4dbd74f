/**
 * `--cidfile`: made before the container, so that one that exists is refused in time; removed again when there is
 * no container in the end.
 */
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { BockerError, ExitCode } from "../errors.ts";

export class CidFile implements Disposable {
  #fd: number | undefined;
  #isWritten = false;

  /** Throws docker's refusal when the file exists. */
  constructor(private readonly path: string) {
    try {
      this.#fd = openSync(path, "wx", 0o644);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EEXIST") throw taken(path);
      throw new BockerError(`failed to create the container ID file "${path}"`, {
        kind: "host",
        exitCode: ExitCode.engine,
        cause,
      });
    }
  }

  write(id: string): void {
    if (this.#fd !== undefined) writeSync(this.#fd, id);
    this.#isWritten = true;
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    if (!this.#isWritten) unlinkSync(this.path);
  }
}

function taken(path: string): BockerError {
  return new BockerError(
    `container ID file found, make sure the other container isn't running or delete ${path}`,
    { kind: "conflict", exitCode: ExitCode.engine },
  );
}

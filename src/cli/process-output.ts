/**
 * The process's own stdout and stderr as Outputs: synchronous, so that nothing is lost when the process ends.
 */
import { writeSync } from "node:fs";
import { isTerminal } from "../../ffi/terminal.ts";
import { getWindowSize } from "../../ffi/tty.ts";
import type { Output } from "./command-spec.ts";
import type { PullOutput } from "./pull-progress.ts";

const defaultColumns = 80;

/** Descriptor 1 or 2. A reader that has gone away ends the output silently, as a pipeline's member should. */
export function processOutput(fd: 1 | 2): Output {
  let isBroken = false;
  return {
    write: (text) => {
      if (!isBroken) isBroken = !writeWhole(fd, Buffer.from(text));
    },
    get isTerminal() {
      return isTerminal(fd);
    },
    get columns() {
      return isTerminal(fd) ? getWindowSize(fd).columns || defaultColumns : defaultColumns;
    },
  };
}

/** What the pull renderer takes. */
export function pullOutputOf(output: Output): PullOutput {
  return { write: (text) => output.write(text), isTTY: output.isTerminal, columns: output.columns };
}

/** False when nobody reads any more. A descriptor that was made non-blocking by its owner is waited for. */
function writeWhole(fd: number, bytes: Uint8Array): boolean {
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN") Bun.sleepSync(1);
      else if (code === "EPIPE" || code === "EIO") return false;
      else throw error;
    }
  }
  return true;
}

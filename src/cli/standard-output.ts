/**
 * The process's own standard output and error as Outputs.
 *
 * Written synchronously by descriptor: nothing is lost when the process ends right after, and process.stdout and
 * node:tty, which cost a start-up milliseconds, are only touched to ask about a terminal. Not for containers' streams.
 */
import { writeSync } from "node:fs";
import type { Output } from "./command-spec.ts";

/** Output to descriptor 1 or 2. */
export function standardOutput(fd: 1 | 2): Output {
  let isBroken = false;
  return {
    write(text) {
      if (!isBroken) isBroken = !writeAll(fd, Buffer.from(text));
    },
    get isBroken() {
      return isBroken;
    },
    get isTerminal() {
      return streamOf(fd).isTTY === true;
    },
    get columns() {
      return streamOf(fd).columns ?? 80;
    },
  };
}

function streamOf(fd: 1 | 2) {
  return fd === 1 ? process.stdout : process.stderr;
}

/** False when the reader has gone: what is left is dropped, as for a program that SIGPIPE ends. */
function writeAll(fd: number, bytes: Uint8Array): boolean {
  let rest = bytes;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
      if (code === "EPIPE" || code === "EIO" || code === "EBADF") return false;
      // A pipe shared with a process that made it non-blocking, and full.
      if (code !== "EAGAIN" && code !== "EINTR") throw thrown;
      if (code === "EAGAIN") Bun.sleepSync(1);
    }
  }
  return true;
}

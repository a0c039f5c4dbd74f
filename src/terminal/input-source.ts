/**
 * Reading the user's stdin, whatever it is, at the session's pace and without touching it more than needed.
 *
 * Pipes, sockets and terminals: Bun's stream, which neither blocks nor makes the shared descriptor non-blocking (measured).
 * Files and devices: node:fs, at the descriptor's own offset, which Bun's stream would ignore: what is before
 * it was read by somebody else.
 */
import { fstatSync, read } from "node:fs";
import { isTerminal } from "../../ffi/terminal.ts";

export interface InputSource {
  /** The next bytes; undefined at the end, after an error of the terminal (EIO), or after cancel(). */
  read(): Promise<Uint8Array | undefined>;
  cancel(): void;
}

const fileChunkBytes = 256 * 1024;

/** Reads nothing before it is asked to. */
export function openInput(fd: number): InputSource {
  const stat = fstatSync(fd);
  return stat.isFIFO() || stat.isSocket() || isTerminal(fd) ? streamInput(fd) : fileInput(fd);
}

function streamInput(fd: number): InputSource {
  const reader = Bun.file(fd).stream().getReader();
  return {
    read: async () => {
      try {
        return (await reader.read()).value;
      } catch {
        return undefined;
      }
    },
    cancel: () => void reader.cancel().catch(() => undefined),
  };
}

function fileInput(fd: number): InputSource {
  let cancelled = false;
  return {
    read: async () => {
      if (cancelled) return undefined;
      const buffer = new Uint8Array(fileChunkBytes);
      const length = await readHere(fd, buffer);
      return length === 0 || cancelled ? undefined : buffer.subarray(0, length);
    },
    cancel: () => {
      cancelled = true;
    },
  };
}

function readHere(fd: number, buffer: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, buffer.byteLength, null, (error, length) =>
      error ? reject(error) : resolve(length),
    );
  });
}

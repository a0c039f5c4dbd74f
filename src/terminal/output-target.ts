/**
 * Writing to the user's stdout or stderr, whatever it is: byte-clean, complete, at its pace, and without changing
 * the open file that other programs share.
 *
 * A pipe is opened again through /proc/self/fd, so that O_NONBLOCK stays our own; while it is full the event loop goes
 * on and signals get through. Files and terminals are written to directly: they are never full for long. A socket
 * cannot be opened again and is made non-blocking until close().
 */
import { fstatSync, openSync, writeSync } from "node:fs";
import { openFlags } from "../../ffi/flags.ts";
import { setNonBlocking } from "../../ffi/terminal.ts";
import { DescriptorWriter } from "../monitor/descriptor-writer.ts";

export interface OutputTarget {
  /** Throws or rejects with EPIPE when nobody reads any more. A promise: it is full. */
  write(chunk: Uint8Array): void | Promise<void>;
  /** Behind the last write's promise. */
  close(): void;
}

/** Looks at the descriptor with the first write only: most runs of `true` write nothing. */
export function openOutput(fd: number): OutputTarget {
  let target: OutputTarget | undefined;
  return {
    write: (chunk) => {
      target ??= targetFor(fd);
      return target.write(chunk);
    },
    close: () => target?.close(),
  };
}

function targetFor(fd: number): OutputTarget {
  const stat = fstatSync(fd);
  if (stat.isFIFO()) return reopenedPipe(fd) ?? directTarget(fd);
  return stat.isSocket() ? socketTarget(fd) : directTarget(fd);
}

/** Undefined where we may not open it: a pipe of another user's. */
function reopenedPipe(fd: number): OutputTarget | undefined {
  try {
    const flags = openFlags.O_WRONLY | openFlags.O_NONBLOCK | openFlags.O_CLOEXEC;
    return new DescriptorWriter(openSync(`/proc/self/fd/${fd}`, flags), "pipe");
  } catch {
    return undefined;
  }
}

function socketTarget(fd: number): OutputTarget {
  const was = setNonBlocking(fd, true);
  const writer = new DescriptorWriter(fd, "pipe");
  return { write: (chunk) => writer.write(chunk), close: () => void setNonBlocking(fd, was) };
}

/** Somebody else may have made it non-blocking: then a short wait helps. */
function directTarget(fd: number): OutputTarget {
  async function writeLater(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.byteLength > 0; ) {
      await Bun.sleep(2);
      rest = writeWhatFits(fd, rest);
    }
  }
  return {
    write: (chunk) => {
      const rest = writeWhatFits(fd, chunk);
      if (rest.byteLength > 0) return writeLater(rest);
    },
    close: () => undefined,
  };
}

function writeWhatFits(fd: number, chunk: Uint8Array): Uint8Array {
  for (let rest = chunk; rest.byteLength > 0; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN") return rest;
      if (code !== "EINTR") throw error;
    }
  }
  return chunk.subarray(chunk.byteLength);
}

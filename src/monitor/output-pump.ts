/**
 * Reading a process's output: a pipe or a pty's master, to its end, at the pace of whoever takes it.
 *
 * Bun's file stream does it without a thread (measured: epoll, one shot a read, preadv2 with RWF_NOWAIT; 1.7 GB/s;
 * it reads nothing while nobody asks). It wants a pty's master non-blocking, and otherwise fails with ESPIPE; a
 * pty ends with EIO, which is its end of file.
 */
import { setNonBlocking } from "../../ffi/terminal.ts";

export interface OutputPump {
  /** Kept at the end of the output, or after stop(). Rejects with what `take` threw. */
  readonly done: Promise<void>;
  /** Bytes handed over so far. */
  readonly bytes: number;
  /** Waiting for the process to write, not for whoever takes it. */
  readonly reading: boolean;
  /** Reads no more; the descriptor can be closed once `done` is kept. */
  stop(): void;
}

/** Hands everything that can be read from `fd` to `take`, waiting for its promises. `fd` stays the caller's. */
export function pumpOutput(fd: number, take: (chunk: Uint8Array) => void | Promise<void>): OutputPump {
  setNonBlocking(fd, true);
  const reader = Bun.file(fd).stream().getReader();
  let stopped = false;
  const pump = { bytes: 0, reading: false, done: Promise.resolve(), stop };
  function stop(): void {
    stopped = true;
    reader.cancel().catch(() => undefined);
  }
  async function run(): Promise<void> {
    while (!stopped) {
      pump.reading = true;
      const chunk = await readChunk(reader);
      pump.reading = false;
      if (chunk === undefined || stopped) return;
      pump.bytes += chunk.byteLength;
      const busy = take(chunk);
      if (busy !== undefined) await busy;
    }
  }
  pump.done = run();
  return pump;
}

async function readChunk(reader: {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
}): Promise<Uint8Array | undefined> {
  try {
    const { value } = await reader.read();
    return value;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EIO") return undefined;
    throw error;
  }
}

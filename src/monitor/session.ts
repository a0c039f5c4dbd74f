/**
 * A session: one user's connection to the standard streams of one process, wherever the process is.
 *
 * Types only. Two implementations: remote-session.ts speaks to a monitor over a socket (run, start -a, attach),
 * local-session.ts holds the pipes or the pty itself (exec). src/terminal connects one with the user's terminal.
 */
import type { WindowSize } from "../../ffi/tty.ts";

export type StreamName = "stdout" | "stderr";

/** Takes a chunk of output. A promise means "not so fast": no more of it comes until the promise is kept. */
export type OutputHandler = (stream: StreamName, chunk: Uint8Array) => void | Promise<void>;

export interface Session {
  /**
   * Delivers the output and gives the process's exit code when it has ended and everything it wrote has been
   * delivered. To be called once; nothing is lost before. Rejects with BockerError when the connection broke,
   * and with whatever `output` threw.
   */
  run(output: OutputHandler): Promise<number>;
  /** Sends to the process's stdin; kept when more may be sent. Input that nobody takes any more is dropped. */
  write(chunk: Uint8Array): Promise<void>;
  /** End of stdin. */
  closeInput(): void;
  /** Kept when the process will not read any more. Never rejects; may never be kept. */
  readonly inputClosed: Promise<void>;
  /** Nobody will read this stream again: the process gets SIGPIPE when it writes there, as in a pipeline. */
  closeOutput(stream: StreamName): void;
  resize(size: WindowSize): void;
  /** Sends a signal (its number) to the process. */
  signal(signal: number): void;
  /** Leaves; the process goes on. A running run() is never settled after this. */
  detach(): void;
}

/** What a client wants of the container's streams. */
export interface AttachRequest {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** The client's window, when it has one. */
  readonly size?: WindowSize;
}

/**
 * A session whose process belongs to a monitor: frames over a channel (protocol.ts).
 */
import type { WindowSize } from "../../ffi/tty.ts";
import { BockerError } from "../errors.ts";
import type { Channel } from "./channel.ts";
import type { Frame } from "./frame-decoder.ts";
import {
  decodeCount,
  decodeJson,
  type ExitNotice,
  encodeSize,
  FrameType,
  fromWireError,
  stdinChunkBytes,
  stdinWindowBytes,
  type WireError,
} from "./protocol.ts";
import type { OutputHandler, Session, StreamName } from "./session.ts";

export class RemoteSession implements Session {
  readonly inputClosed: Promise<void>;
  /** What went wrong while the container was cleaned up; known once run() has ended. */
  warning: string | undefined;
  readonly #channel: Channel;
  #unanswered = 0;
  #window: (() => void)[] = [];
  #inputOpen = true;
  #tellInputClosed: () => void = () => undefined;

  /** Over a channel on which `started` or `attached` has come, and which is on hold. */
  constructor(channel: Channel) {
    this.#channel = channel;
    this.inputClosed = new Promise((resolve) => {
      this.#tellInputClosed = resolve;
    });
  }

  run(output: OutputHandler): Promise<number> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        this.#endInput();
        this.#channel.close();
        reject(error);
      };
      this.#channel.listen({
        frame: (frame) => {
          try {
            return this.#frame(frame, output, resolve)?.catch(fail);
          } catch (error) {
            fail(error);
          }
        },
        closed: () => fail(connectionLost()),
      });
    });
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength && this.#inputOpen; at += stdinChunkBytes) {
      const piece = chunk.subarray(at, at + stdinChunkBytes);
      while (this.#inputOpen && this.#unanswered + piece.byteLength > stdinWindowBytes) {
        await new Promise<void>((resolve) => this.#window.push(resolve));
      }
      if (!this.#inputOpen) return;
      this.#unanswered += piece.byteLength;
      this.#channel.send(FrameType.stdin, piece);
    }
  }

  closeInput(): void {
    this.#channel.send(FrameType.stdinEnd);
  }

  closeOutput(stream: StreamName): void {
    this.#channel.send(FrameType.closeOutput, Uint8Array.of(stream === "stdout" ? 1 : 2));
  }

  resize(size: WindowSize): void {
    this.#channel.send(FrameType.resize, encodeSize(size));
  }

  signal(signal: number): void {
    this.#channel.send(FrameType.signal, Uint8Array.of(signal));
  }

  detach(): void {
    this.#endInput();
    this.#channel.close();
  }

  #frame(frame: Frame, output: OutputHandler, exited: (code: number) => void): void | Promise<void> {
    switch (frame.type) {
      case FrameType.stdout:
        return output("stdout", frame.payload);
      case FrameType.stderr:
        return output("stderr", frame.payload);
      case FrameType.stdinTaken:
        this.#unanswered -= decodeCount(frame.payload);
        for (const resume of this.#window.splice(0)) resume();
        return;
      case FrameType.stdinClosed:
        this.#endInput();
        return;
      case FrameType.error:
        throw fromWireError(decodeJson<WireError>(frame.payload));
      case FrameType.exit: {
        const notice = decodeJson<ExitNotice>(frame.payload);
        this.warning = notice.warning;
        this.detach();
        exited(notice.exitCode);
        return;
      }
    }
  }

  #endInput(): void {
    this.#inputOpen = false;
    for (const resume of this.#window.splice(0)) resume();
    this.#tellInputClosed();
  }
}

function connectionLost(): BockerError {
  return new BockerError("lost the connection to the container: its monitor has gone", {
    kind: "not-running",
    hint: "bocker ps -a shows what became of it",
  });
}

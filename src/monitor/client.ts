/**
 * One attached client, seen from the monitor: what it wants to see, and what it may do to the container.
 */
import type { WindowSize } from "../../ffi/tty.ts";
import type { Channel } from "./channel.ts";
import type { Frame } from "./frame-decoder.ts";
import { decodeSize, type ExitNotice, encodeCount, encodeJson, FrameType } from "./protocol.ts";
import type { AttachRequest, StreamName } from "./session.ts";

/** What clients can do to a container. */
export interface ContainerControl {
  /** Rejects when the container reads no more. */
  writeInput(chunk: Uint8Array): Promise<void>;
  endInput(): void;
  closeOutput(stream: StreamName): void;
  resize(size: WindowSize): void;
  signal(signal: number): void;
}

export class Client {
  readonly channel: Channel;
  readonly request: AttachRequest;
  readonly #control: ContainerControl;
  readonly #broken = new Set<StreamName>();

  constructor(channel: Channel, request: AttachRequest, control: ContainerControl) {
    this.channel = channel;
    this.request = request;
    this.#control = control;
  }

  wants(stream: StreamName): boolean {
    return this.request[stream] && !this.#broken.has(stream);
  }

  /** Passes output on, when it is wanted. A promise: the client is slow. */
  output(stream: StreamName, chunk: Uint8Array): void | Promise<void> {
    if (!this.wants(stream)) return;
    this.channel.send(FrameType[stream], chunk);
    if (this.channel.congested) return this.channel.drained();
  }

  exit(notice: ExitNotice): void {
    this.channel.send(FrameType.exit, encodeJson(notice));
  }

  inputClosed(): void {
    this.channel.send(FrameType.stdinClosed);
  }

  /** A frame of the client's. Those that a client may not send, or that make no sense, are dropped. */
  frame({ type, payload }: Frame): void {
    switch (type) {
      case FrameType.stdin:
        if (this.request.stdin) this.#input(payload);
        return;
      case FrameType.stdinEnd:
        if (this.request.stdin) this.#control.endInput();
        return;
      case FrameType.closeOutput:
        this.#closeOutput(payload[0] === 1 ? "stdout" : "stderr");
        return;
      case FrameType.resize:
        this.#control.resize(decodeSize(payload));
        return;
      case FrameType.signal:
        this.#control.signal(payload[0] ?? 0);
        return;
    }
  }

  #closeOutput(stream: StreamName): void {
    this.#broken.add(stream);
    this.#control.closeOutput(stream);
  }

  /** The answer comes when the container has taken it, which is what bounds memory. */
  #input(payload: Uint8Array): void {
    this.#control.writeInput(payload).then(
      () => this.channel.send(FrameType.stdinTaken, encodeCount(payload.byteLength)),
      () => this.inputClosed(),
    );
  }
}

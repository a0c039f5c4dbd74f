/**
 * Frames over a unix socket, with backpressure both ways; both ends of the protocol use it.
 *
 * Writing never blocks and never fails: what the socket does not take is kept, `congested` says that it is time to
 * wait, and after the end of the connection everything is dropped. Frames are handed over one by one, and none while
 * the promise of the last one is open: the socket is paused instead, and the sender's buffer fills.
 */
import type { Socket } from "bun";
import { type Frame, FrameDecoder } from "./frame-decoder.ts";
import { encodeFrame, type FrameType } from "./protocol.ts";

export interface ChannelEvents {
  /** A promise holds back the following frames; it must not reject. */
  frame(frame: Frame): void | Promise<void>;
  /** Once, behind the last frame: the other side has gone, or spoke nonsense. */
  closed(): void;
}

/** Beyond this, kept bytes are congestion. */
const congestionBytes = 256 * 1024;

type ChannelSocket = Socket<Channel>;

export class Channel {
  readonly #decoder = new FrameDecoder();
  readonly #frames: Frame[] = [];
  #events: ChannelEvents | undefined;
  #socket: ChannelSocket | undefined;
  #delivering = false;
  #paused = false;
  #ended = false;
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #drained: (() => void)[] = [];

  /** What Bun.connect and Bun.listen take: the socket's `data` is its Channel. */
  static readonly socketHandlers = {
    open: (socket: ChannelSocket) => socket.data.#opened(socket),
    data: (socket: ChannelSocket, bytes: Uint8Array) => socket.data.#received(bytes),
    drain: (socket: ChannelSocket) => socket.data.#flush(),
    end: (socket: ChannelSocket) => void socket.end(),
    close: (socket: ChannelSocket) => socket.data.#finish(),
    error: (socket: ChannelSocket) => socket.data.#finish(),
  };

  /** Connects over a descriptor that is a connected socket, or a path. The descriptor belongs to the channel. */
  static async connect(target: { readonly fd: number } | { readonly unix: string }): Promise<Channel> {
    const channel = new Channel();
    // `fd` is missing in bun-types 1.4.5; it adopts a connected socket.
    const options = { ...target, data: channel, socket: Channel.socketHandlers };
    await Bun.connect(options as unknown as Parameters<typeof Bun.connect<Channel>>[0]);
    return channel;
  }

  /** Begins to hand over frames; those that came before are first. May be called again to change hands. */
  listen(events: ChannelEvents): void {
    this.#events = events;
    void this.#deliver();
  }

  /** Stops handing over until somebody listens again; from inside a frame handler, the next frame waits. */
  hold(): void {
    this.#events = undefined;
  }

  send(type: FrameType, payload?: Uint8Array): void {
    if (this.#ended) return;
    this.#unsent.push(encodeFrame(type, payload));
    this.#unsentBytes += this.#unsent.at(-1)?.byteLength ?? 0;
    if (this.#unsent.length === 1) this.#flush();
  }

  get congested(): boolean {
    return this.#unsentBytes > congestionBytes;
  }

  /** Kept when every frame is in the kernel's hands, or the connection has ended. */
  drained(): Promise<void> {
    if (this.#unsentBytes === 0 || this.#ended) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Ends the connection; what was not sent yet is dropped. `closed` is not called. */
  close(): void {
    this.#events = undefined;
    this.#frames.length = 0;
    this.#socket?.end();
    this.#finish();
  }

  /** Does not keep the process alive by itself. */
  unref(): void {
    this.#socket?.unref();
  }

  #opened(socket: ChannelSocket): void {
    this.#socket = socket;
    this.#flush();
  }

  #received(bytes: Uint8Array): void {
    try {
      this.#frames.push(...this.#decoder.push(bytes));
    } catch {
      this.#socket?.end();
      this.#finish();
      return;
    }
    void this.#deliver();
  }

  async #deliver(): Promise<void> {
    if (this.#delivering) return;
    this.#delivering = true;
    while (this.#events !== undefined) {
      const frame = this.#frames.shift();
      if (frame === undefined) break;
      const busy = this.#events.frame(frame);
      if (busy === undefined) continue;
      this.#pause();
      await busy;
    }
    this.#delivering = false;
    if (this.#events === undefined) this.#pause();
    else if (this.#ended) this.#sayClosed();
    else this.#resume();
  }

  #pause(): void {
    if (this.#paused || this.#ended) return;
    this.#paused = true;
    this.#socket?.pause();
  }

  #resume(): void {
    if (!this.#paused || this.#ended) return;
    this.#paused = false;
    this.#socket?.resume();
  }

  #flush(): void {
    while (!this.#ended && this.#socket !== undefined) {
      const bytes = this.#unsent[0];
      if (bytes === undefined) break;
      const written = this.#socket.write(bytes);
      // The other side has gone; a paused socket hears of it nowhere else.
      if (written < 0) {
        this.#finish();
        return;
      }
      this.#unsentBytes -= written;
      if (written < bytes.byteLength) {
        this.#unsent[0] = bytes.subarray(written);
        return;
      }
      this.#unsent.shift();
    }
    this.#sayDrained();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#sayDrained();
    if (!this.#delivering && this.#frames.length === 0) this.#sayClosed();
  }

  #sayDrained(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  #sayClosed(): void {
    const events = this.#events;
    this.#events = undefined;
    events?.closed();
  }
}

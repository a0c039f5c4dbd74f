/**
 * A session whose process is this one's own child (exec): its pipes or its pty are right here.
 */
import { closeQuietly } from "../../ffi/file.ts";
import { setWindowSize, type WindowSize } from "../../ffi/tty.ts";
import { closeHostStdio, type HostStdio, holdPtyOpen } from "./container-stdio.ts";
import { DescriptorWriter } from "./descriptor-writer.ts";
import type { MonitoredProcess } from "./monitor-dependencies.ts";
import { type OutputPump, pumpOutput } from "./output-pump.ts";
import type { OutputHandler, Session, StreamName } from "./session.ts";

/** As in container-life.ts: how long grandchildren that inherited the pipes are waited for. */
const lastOutputMs = 2000;

export class LocalSession implements Session {
  readonly inputClosed: Promise<void>;
  readonly #stdio: HostStdio;
  readonly #process: MonitoredProcess;
  readonly #input: DescriptorWriter | undefined;
  readonly #pumps = new Map<StreamName, OutputPump>();
  /** Closing it lets the pty's master end. */
  #heldPty: number | undefined;
  #inputOpen: boolean;
  #tellInputClosed: () => void = () => undefined;
  #ended = false;

  readonly #leave: ((master: number) => void) | undefined;
  #hasExited = false;

  /**
   * Owns `stdio` from now on. `leave`: finds somebody who keeps the terminal of a process that the user leaves; without
   * one the process is hung up on.
   */
  constructor(stdio: HostStdio, process: MonitoredProcess, leave?: (master: number) => void) {
    this.#leave = leave;
    this.#stdio = stdio;
    this.#process = process;
    this.#heldPty = holdPtyOpen(stdio);
    const fd = stdio.kind === "pty" ? stdio.master : stdio.stdin;
    this.#input =
      fd === undefined ? undefined : new DescriptorWriter(fd, stdio.kind === "pty" ? "pty" : "pipe");
    this.#inputOpen = fd !== undefined;
    this.inputClosed = new Promise((resolve) => {
      this.#tellInputClosed = resolve;
    });
  }

  async run(output: OutputHandler): Promise<number> {
    const stdio = this.#stdio;
    this.#pump("stdout", stdio.kind === "pty" ? stdio.master : stdio.stdout, output);
    if (stdio.kind === "pipes") this.#pump("stderr", stdio.stderr, output);
    const drained = Promise.all([...this.#pumps.values()].map(({ done }) => done));
    // Broken output is the caller's to hear of at once, not when the process ends.
    const exit = await Promise.race([this.#process.exited, drained.then(() => this.#process.exited)]);
    this.#hasExited = true;
    this.#release();
    await this.#lastOutput(drained);
    this.detach();
    return exit.exitCode;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (!this.#inputOpen) return;
    try {
      await this.#input?.write(chunk);
    } catch {
      this.#endInput();
    }
  }

  closeInput(): void {
    if (this.#stdio.kind === "pipes") this.#endInput();
  }

  closeOutput(stream: StreamName): void {
    if (this.#stdio.kind === "pipes") this.#pumps.get(stream)?.stop();
  }

  resize(size: WindowSize): void {
    if (this.#stdio.kind === "pty" && !this.#ended) setWindowSize(this.#stdio.master, size);
  }

  signal(signal: number): void {
    this.#process.signal(signal);
  }

  /** Lets go of the descriptors: the process gets EOF, SIGPIPE or SIGHUP when it uses them. */
  detach(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endInput();
    this.#release();
    for (const pump of this.#pumps.values()) pump.stop();
    if (this.#stdio.kind !== "pty") return;
    if (!this.#hasExited) this.#leave?.(this.#stdio.master);
    closeHostStdio(this.#stdio);
  }

  #pump(stream: StreamName, fd: number, output: OutputHandler): void {
    const pump = pumpOutput(fd, (chunk) => output(stream, chunk));
    this.#pumps.set(stream, pump);
    const close = (): void => {
      if (this.#stdio.kind === "pipes") closeQuietly(fd);
    };
    pump.done.then(close, close);
  }

  /**
   * Everything that the process wrote is delivered however long the reader takes; only waiting for more to be
   * written has an end.
   */
  async #lastOutput(drained: Promise<unknown>): Promise<void> {
    const seen = new Map<OutputPump, number>();
    const timer = setInterval(() => {
      for (const pump of this.#pumps.values()) {
        if (pump.reading && seen.get(pump) === pump.bytes) pump.stop();
        seen.set(pump, pump.bytes);
      }
    }, lastOutputMs);
    await drained;
    clearInterval(timer);
  }

  #release(): void {
    closeQuietly(this.#heldPty);
    this.#heldPty = undefined;
  }

  #endInput(): void {
    if (!this.#inputOpen) return;
    this.#inputOpen = false;
    if (this.#stdio.kind === "pipes") this.#input?.close();
    this.#tellInputClosed();
  }
}

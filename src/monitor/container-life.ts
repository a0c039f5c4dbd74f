/**
 * One run of a container, from its start to its last byte of output: pumps, log, clients, stdin.
 *
 * Output goes to the clients first and then into the log; a slow client holds the container back, as with docker. Once
 * the process has ended nobody can hold anything back any more: what the pipes still have is read, and then
 * the container counts as ended, however slow a client takes it in.
 */
import { closeQuietly } from "../../ffi/file.ts";
import { setWindowSize, type WindowSize } from "../../ffi/tty.ts";
import { messageOf } from "../errors.ts";
import type { Channel } from "./channel.ts";
import { Client, type ContainerControl } from "./client.ts";
import { closeHostStdio, type HostStdio, holdPtyOpen } from "./container-stdio.ts";
import { DescriptorWriter } from "./descriptor-writer.ts";
import { LogWriter } from "./log-writer.ts";
import type { ProcessExit, StartedContainer } from "./monitor-dependencies.ts";
import { type OutputPump, pumpOutput } from "./output-pump.ts";
import type { ExitNotice } from "./protocol.ts";
import type { AttachRequest, StreamName } from "./session.ts";

/** How long output may still come after the process's end, from children that live outside its pid namespace. */
const lastOutputMs = 2000;
/** And how much: it waits in memory for the clients. */
const lastOutputBytes = 16 << 20;

export class ContainerLife implements ContainerControl {
  readonly log: LogWriter;
  readonly #container: StartedContainer;
  readonly #clients = new Set<Client>();
  readonly #pumps = new Map<StreamName, OutputPump>();
  readonly #input: DescriptorWriter | undefined;
  #inputOpen: boolean;
  /** Ends a pump's wait for slow clients. */
  readonly #waiting = new Map<StreamName, () => void>();
  #isEnded = false;
  #lastBytes = 0;

  constructor(container: StartedContainer) {
    const { stdio } = container;
    this.#container = container;
    this.log = new LogWriter(container.log);
    const inputFd = stdio.kind === "pty" ? stdio.master : stdio.stdin;
    this.#input =
      inputFd === undefined
        ? undefined
        : new DescriptorWriter(inputFd, stdio.kind === "pty" ? "pty" : "pipe");
    this.#inputOpen = inputFd !== undefined;
  }

  /** Runs to the end; everything is closed then but the clients' connections. */
  async run(): Promise<ProcessExit> {
    const { stdio, process } = this.#container;
    const held = holdPtyOpen(stdio);
    this.#pump("stdout", stdio.kind === "pty" ? stdio.master : stdio.stdout);
    if (stdio.kind === "pipes") this.#pump("stderr", stdio.stderr);
    const exit = await process.exited;
    this.#isEnded = true;
    for (const goOn of this.#waiting.values()) goOn();
    closeQuietly(held);
    await this.#lastOutput();
    this.log.close();
    this.#closeStdio();
    return exit;
  }

  /** Takes in a client whose request was answered. */
  attach(channel: Channel, request: AttachRequest): void {
    const client = new Client(channel, request, this);
    this.#clients.add(client);
    if (request.stdin && !this.#inputOpen) client.inputClosed();
    if (request.size !== undefined) this.resize(request.size);
    channel.listen({ frame: (frame) => client.frame(frame), closed: () => this.#left(client) });
  }

  /**
   * The streams to go on with elsewhere, while nothing of this run is in this process's memory alone; undefined when
   * something is: a client, an unfinished line, input on its way.
   */
  quietStdio(): HostStdio | undefined {
    const { stdio } = this.#container;
    const isReading = [...this.#pumps.values()].every(({ reading }) => reading);
    const isIdle = this.#clients.size === 0 && this.#input?.isIdle !== false && this.log.isComplete;
    if (this.#isEnded || !isReading || !isIdle) return undefined;
    return stdio.kind === "pty" || this.#inputOpen ? stdio : { ...stdio, stdin: undefined };
  }

  /** Tells every client, and waits until the kernel has all that they are to get. */
  async sayExit(notice: ExitNotice): Promise<void> {
    for (const client of this.#clients) client.exit(notice);
    await Promise.all([...this.#clients].map(({ channel }) => channel.drained()));
  }

  async writeInput(chunk: Uint8Array): Promise<void> {
    if (!this.#inputOpen) throw new Error("the container reads no more");
    try {
      await this.#input?.write(chunk);
    } catch (error) {
      this.#closeInput();
      throw error;
    }
  }

  /** Of a client: means something only when stdin is given once. */
  endInput(): void {
    if (this.#container.stdinOnce) this.#closeInput();
  }

  /** A terminal has no end of file: programs there look for Ctrl-D. */
  #closeInput(): void {
    if (this.#container.stdio.kind === "pty" || !this.#inputOpen) return;
    this.#inputOpen = false;
    this.#input?.close();
  }

  closeOutput(stream: StreamName): void {
    const { stdio } = this.#container;
    if (stdio.kind === "pty" || [...this.#clients].some((client) => client.wants(stream))) return;
    this.#pumps.get(stream)?.stop();
  }

  resize(size: WindowSize): void {
    const { stdio } = this.#container;
    if (stdio.kind === "pty" && !this.#isEnded) setWindowSize(stdio.master, size);
  }

  signal(signal: number): void {
    this.#container.process.signal(signal);
  }

  #pump(stream: StreamName, fd: number): void {
    const pump = pumpOutput(fd, (chunk) => this.#output(stream, chunk));
    this.#pumps.set(stream, pump);
    void pump.done
      .catch((error: unknown) => this.log.note(`cannot read ${stream}: ${messageOf(error)}`))
      // The reading end goes at once, so that a process whose reader has left gets SIGPIPE.
      .then(() => this.#container.stdio.kind === "pipes" && closeQuietly(fd));
  }

  #output(stream: StreamName, chunk: Uint8Array): void | Promise<void> {
    const slow: Promise<void>[] = [];
    for (const client of this.#clients) {
      const busy = client.output(stream, chunk);
      if (busy !== undefined) slow.push(busy);
    }
    this.log.write(stream, chunk);
    if (this.#isEnded) this.#countLast(chunk.byteLength);
    else if (slow.length > 0) return this.#waitFor(stream, slow);
  }

  #waitFor(stream: StreamName, slow: readonly Promise<void>[]): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.set(stream, resolve);
      void Promise.all(slow).then(() => resolve());
    });
  }

  #countLast(bytes: number): void {
    this.#lastBytes += bytes;
    if (this.#lastBytes > lastOutputBytes) this.#stopPumps();
  }

  async #lastOutput(): Promise<void> {
    const timer = setTimeout(() => this.#stopPumps(), lastOutputMs);
    await Promise.allSettled([...this.#pumps.values()].map(({ done }) => done));
    clearTimeout(timer);
  }

  #stopPumps(): void {
    for (const pump of this.#pumps.values()) pump.stop();
  }

  #closeStdio(): void {
    const { stdio } = this.#container;
    if (stdio.kind === "pty") closeHostStdio(stdio);
    else this.#closeInput();
  }

  #left(client: Client): void {
    this.#clients.delete(client);
    if (client.request.stdin) this.endInput();
  }
}

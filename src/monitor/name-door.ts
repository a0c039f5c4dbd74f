/**
 * The monitor's side of its container's resolver: hears SIGIO when a query has come, and only then loads what answers.
 *
 * The sockets are descriptors that outlive the monitor's rest (rest.ts): a query that comes in between waits in them.
 */
import { closeQuietly, poll } from "../../ffi/file.ts";
import { signalWhenReady } from "../../ffi/inet-socket.ts";
import { messageOf } from "../errors.ts";
import { type NameOrder, type NameService, nameSocketFds } from "../network/name-order.ts";
import type { NameServer } from "../network/name-server.ts";

const POLLIN = 1;

/** Of a container whose names may not be served yet: those that are on no network of their own have none. */
export class NameDoor {
  readonly #note: (text: string) => void;
  readonly #knock = () => void this.#answer();
  #service: NameService | undefined;
  #server: NameServer | undefined;
  #isLoading = false;
  #isStopped = false;

  /** Takes the sockets into its care. `note`: hears of what goes wrong. */
  constructor(service: NameService | undefined, note: (text: string) => void) {
    this.#note = note;
    process.on("SIGIO", this.#knock);
    if (service !== undefined) this.#serve(service);
  }

  /** Begins to serve in the namespace of the process `pid`, unless it does already. */
  async open(order: NameOrder, pid: number): Promise<void> {
    const { openNameSockets } = await import("../network/name-sockets.ts");
    if (this.#service === undefined && !this.#isStopped)
      this.#serve({ ...order, sockets: openNameSockets(pid) });
  }

  /** Nothing is under way: another process image could go on with `service`. */
  get isQuiet(): boolean {
    return !this.#isLoading && (this.#server?.isQuiet ?? true);
  }

  get service(): NameService | undefined {
    return this.#service;
  }

  /** Closes the sockets. */
  stop(): void {
    this.#isStopped = true;
    process.removeListener("SIGIO", this.#knock);
    this.#server?.[Symbol.dispose]();
    if (this.#service !== undefined) closeQuietly(...nameSocketFds(this.#service.sockets));
    this.#service = undefined;
  }

  #serve(service: NameService): void {
    this.#service = service;
    const { datagram, stream } = service.sockets;
    for (const fd of [datagram, stream]) signalWhenReady(fd);
    // Whatever came before there was a signal.
    if ([datagram, stream].some((fd) => poll(fd, POLLIN, 0) !== 0)) this.#knock();
  }

  async #answer(): Promise<void> {
    if (this.#server !== undefined) {
      this.#server.take();
      return;
    }
    if (this.#service === undefined || this.#isLoading) return;
    this.#isLoading = true;
    try {
      const { serveNames } = await import("../network/serve-names.ts");
      if (this.#isStopped) return;
      this.#server = serveNames(this.#service);
      this.#server.take();
    } catch (error) {
      this.#note(`cannot serve names: ${messageOf(error)}`);
    } finally {
      this.#isLoading = false;
    }
  }
}

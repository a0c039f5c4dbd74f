/**
 * A container's resolver at work: queries from its sockets, answered from the state or from the servers outside.
 *
 * Nothing is kept between two queries but what is under way, so that a monitor may begin anew at any quiet moment
 * (src/monitor/rest.ts). A query that makes no sense gets an error code, never an exception.
 */

import { parseInet } from "../../ffi/inet-address.ts";
import { accept4, recvfrom, sendto, sockaddrInBytes } from "../../ffi/inet-socket.ts";
import { monotonicMs } from "../host/clock.ts";
import { answerQuery } from "./answer-query.ts";
import { encodeReplyPacket } from "./datagram-reply.ts";
import type { DnsForwarder } from "./dns-forwarder.ts";
import {
  adaptResponse,
  type DnsQuery,
  dnsCode,
  encodeBadReply,
  encodeReply,
  parseQuery,
} from "./dns-message.ts";
import { serveStream } from "./dns-stream.ts";
import { dnsPort, type NameSockets, resolverAddress } from "./name-order.ts";
import type { NameTable } from "./name-table.ts";

/** Datagrams taken before others of this process get a turn. */
const burst = 64;
const maxConnections = 64;
/** The longest message there is. */
const maxMessageBytes = 65_535;
const quietMs = 2000;

export interface NameServerOptions {
  readonly sockets: NameSockets;
  /** The names at this moment. */
  readonly names: () => NameTable;
  readonly forwarder: DnsForwarder;
  /** Gives back what `names` has opened. */
  readonly closed?: () => void;
}

export class NameServer implements Disposable {
  readonly #options: NameServerOptions;
  readonly #buffer = new Uint8Array(maxMessageBytes);
  readonly #sender = new Uint8Array(sockaddrInBytes);
  readonly #from = parseInet(resolverAddress);
  #connections = 0;
  #lastQueryMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  #isScheduled = false;

  constructor(options: NameServerOptions) {
    this.#options = options;
  }

  /** Nothing is under way, and nobody has asked for a while. */
  get isQuiet(): boolean {
    const { forwarder } = this.#options;
    return this.#connections === 0 && forwarder.pending === 0 && monotonicMs() - this.#lastQueryMs > quietMs;
  }

  /** Takes whatever has arrived; to be called after every SIGIO, and once at the beginning. */
  take(): void {
    if (this.#isClosed) return;
    this.#acceptClients();
    // What arrived together is answered from one look at the state.
    let names: NameTable | undefined;
    const namesOnce = () => {
      names ??= this.#names();
      return names;
    };
    for (let count = 0; count < burst; count++) {
      const size = recvfrom(this.#options.sockets.datagram, this.#buffer, this.#sender);
      if (size === undefined) return;
      this.#takeDatagram(this.#buffer.subarray(0, size), namesOnce);
    }
    this.#takeSoon();
  }

  /** Stops taking; what is under way ends unanswered. The sockets stay the caller's. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#options.closed?.();
  }

  #takeSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.take();
    });
  }

  #takeDatagram(message: Uint8Array, names: () => NameTable | undefined): void {
    const query = parseQuery(message);
    if (query === undefined) return;
    const limit = "code" in query ? 0 : query.udpBytes;
    const answer = this.#answer(query, limit, names);
    if (!(answer instanceof Promise)) {
      this.#send(this.#sender, answer);
      return;
    }
    const client = new Uint8Array(this.#sender);
    void answer.then((late) => this.#send(client, late));
  }

  #send(client: Uint8Array, message: Uint8Array): void {
    if (this.#isClosed) return;
    const { packet, to } = encodeReplyPacket(this.#from, dnsPort, client, message);
    sendto(this.#options.sockets.raw, packet, to);
  }

  #acceptClients(): void {
    for (;;) {
      if (this.#connections >= maxConnections) return;
      const fd = accept4(this.#options.sockets.stream);
      if (fd === undefined) return;
      this.#connections++;
      let isOpen = true;
      const closed = () => {
        if (!isOpen) return;
        isOpen = false;
        this.#connections--;
        // One that had to wait for a place.
        this.#takeSoon();
      };
      const answer = (message: Uint8Array) => this.#answerStream(message);
      serveStream(fd, answer, closed).catch(closed);
    }
  }

  #answerStream(message: Uint8Array): Promise<Uint8Array> | Uint8Array | undefined {
    const query = parseQuery(message);
    return query === undefined ? undefined : this.#answer(query, maxMessageBytes, () => this.#names());
  }

  #answer(
    query: NonNullable<ReturnType<typeof parseQuery>>,
    limit: number,
    names: () => NameTable | undefined,
  ): Promise<Uint8Array> | Uint8Array {
    this.#lastQueryMs = monotonicMs();
    if ("code" in query) return encodeBadReply(query);
    const table = names();
    if (table === undefined) return failure(query, dnsCode.SERVFAIL);
    const reply = answerQuery(query, table);
    if (reply !== undefined) return encodeReply(query, reply, limit);
    // Networks without a way out have no servers outside either; docker says the same.
    return table.hasWayOut ? this.#forward(query, limit) : failure(query, dnsCode.SERVFAIL);
  }

  /** Undefined: the state cannot be read; the next query looks again. */
  #names(): NameTable | undefined {
    try {
      return this.#options.names();
    } catch {
      return undefined;
    }
  }

  async #forward(query: DnsQuery, limit: number): Promise<Uint8Array> {
    const response = await this.#options.forwarder.forward(query);
    if (response === "busy") return failure(query, dnsCode.REFUSED);
    return response === undefined ? failure(query, dnsCode.SERVFAIL) : adaptResponse(response, query, limit);
  }
}

function failure(query: DnsQuery, code: number): Uint8Array {
  return encodeReply(query, { code, answers: [], ttlSeconds: 0 }, maxMessageBytes);
}

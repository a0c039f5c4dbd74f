/**
 * Forwarding UDP in userland: every client address gets a socket of its own towards the target, so that answers find their
 * way back. Loaded only where a UDP port is published.
 *
 * A conversation ends when nothing has passed for `idleMs` (docker-proxy's 90 seconds); beyond `maxClients` the one that
 * has been quiet longest gives way, so that a flood of made-up senders cannot use up descriptors. What cannot be
 * passed on is lost, as datagrams may be.
 */
import { monotonicMs } from "../host/clock.ts";
import type { Forwarder, ForwardTarget } from "./forwarder.ts";

const idleMs = 90_000;
const sweepMs = 5_000;
const maxClients = 1024;

interface Conversation {
  upstream: Bun.udp.ConnectedSocket<"buffer"> | undefined;
  /** What came before the socket was there. */
  waiting: Uint8Array[];
  lastMs: number;
}

/** Datagrams of a client that are kept until there is a socket for them. */
const maxWaiting = 64;

export interface UdpForwarderOptions {
  readonly idleMs?: number;
  readonly maxClients?: number;
}

/** Serves a bound socket, which is its own from then on, until disposed. `chooseTarget` is asked for each client. */
export async function forwardUdp(
  fd: number,
  chooseTarget: () => ForwardTarget,
  options: UdpForwarderOptions = {},
): Promise<Forwarder> {
  const table = new ConversationTable(chooseTarget, options);
  const server = await Bun.udpSocket({
    // Not in Bun's types: the loop takes the descriptor over.
    ...({ fd } as object),
    socket: {
      data: (socket, data, port, address) => table.pass(socket, data, port, address),
      error: () => undefined,
    },
  });
  const sweeper = setInterval(() => table.dropIdle(), Math.min(sweepMs, options.idleMs ?? sweepMs));
  sweeper.unref();
  return {
    fd,
    get isIdle() {
      return table.size === 0;
    },
    forgetClients: () => table.clear(),
    [Symbol.dispose]() {
      clearInterval(sweeper);
      table.clear();
      server.close();
    },
  };
}

class ConversationTable {
  /** By the client's address; in the order of the last words. */
  readonly #conversations = new Map<string, Conversation>();
  readonly #chooseTarget: () => ForwardTarget;
  readonly #idleMs: number;
  readonly #maxClients: number;

  constructor(chooseTarget: () => ForwardTarget, options: UdpForwarderOptions) {
    this.#chooseTarget = chooseTarget;
    this.#idleMs = options.idleMs ?? idleMs;
    this.#maxClients = options.maxClients ?? maxClients;
  }

  get size(): number {
    return this.#conversations.size;
  }

  /** One datagram of a client towards the target. */
  pass(server: Bun.udp.Socket<"buffer">, data: Buffer, port: number, address: string): void {
    const key = `${address} ${port}`;
    const conversation = this.#conversations.get(key) ?? this.#begin(server, key, port, address);
    this.#touch(key, conversation);
    if (conversation.upstream !== undefined) conversation.upstream.send(data);
    else if (conversation.waiting.length < maxWaiting) conversation.waiting.push(Uint8Array.from(data));
  }

  dropIdle(): void {
    const oldestMs = monotonicMs() - this.#idleMs;
    for (const [key, { lastMs }] of this.#conversations) {
      if (lastMs >= oldestMs) return;
      this.#drop(key);
    }
  }

  clear(): void {
    for (const key of this.#conversations.keys()) this.#drop(key);
  }

  #begin(server: Bun.udp.Socket<"buffer">, key: string, port: number, address: string): Conversation {
    const conversation: Conversation = { upstream: undefined, waiting: [], lastMs: 0 };
    const answer = (data: Buffer): void => {
      if (this.#conversations.get(key) !== conversation) return;
      this.#touch(key, conversation);
      server.send(data, port, address);
    };
    const target = this.#chooseTarget();
    Bun.udpSocket({
      // Without it Bun binds an IPv4 address first, and cannot connect to one of IPv6.
      hostname: target.address.includes(":") ? "::" : "0.0.0.0",
      connect: { hostname: target.address, port: target.port },
      socket: { data: (_socket, data) => answer(data), error: () => undefined },
    }).then(
      (upstream) => this.#connected(key, conversation, upstream),
      () => this.#drop(key),
    );
    return conversation;
  }

  #connected(key: string, conversation: Conversation, upstream: Bun.udp.ConnectedSocket<"buffer">): void {
    // Somebody else's place meanwhile, or nobody's.
    if (this.#conversations.get(key) !== conversation) {
      upstream.close();
      return;
    }
    conversation.upstream = upstream;
    for (const data of conversation.waiting.splice(0)) upstream.send(data);
  }

  #touch(key: string, conversation: Conversation): void {
    conversation.lastMs = monotonicMs();
    this.#conversations.delete(key);
    this.#conversations.set(key, conversation);
    if (this.#conversations.size <= this.#maxClients) return;
    const [oldest = key] = this.#conversations.keys();
    this.#drop(oldest);
  }

  #drop(key: string): void {
    const conversation = this.#conversations.get(key);
    this.#conversations.delete(key);
    conversation?.upstream?.close();
  }
}

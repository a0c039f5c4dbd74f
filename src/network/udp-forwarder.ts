/**
 * Forwarding UDP in userland: every client address gets a socket of its own towards the target, so that answers find their
 * way back. Loaded only where a UDP port is published.
 *
 * A conversation ends when nothing has passed for `idleMs` (docker-proxy's 90 seconds); beyond `maxClients` the one that
 * has been quiet longest gives way, so that a flood of made-up senders cannot use up descriptors.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { monotonicMs } from "../host/clock.ts";
import type { ForwardTarget } from "./tcp-forwarder.ts";

const idleMs = 90_000;
const sweepMs = 5_000;
const maxClients = 1024;

interface Conversation {
  readonly upstream: Socket;
  lastMs: number;
}

/** Binds and forwards until disposed. Rejects with node's error (EADDRINUSE …) when the address cannot be bound. */
export async function forwardUdp(
  listen: { readonly address: string; readonly port: number },
  target: ForwardTarget,
): Promise<Disposable> {
  const isIpv6 = listen.address.includes(":");
  const server = createSocket(isIpv6 ? { type: "udp6", ipv6Only: true } : { type: "udp4" });
  const conversations = new Map<string, Conversation>();
  await bind(server, listen);
  server.on("error", () => {});
  server.on("message", (message, client) => {
    const conversation = talkTo(server, conversations, client, target);
    conversation.upstream.send(message, target.port, target.address);
  });
  const sweeper = setInterval(() => dropIdle(conversations), sweepMs);
  sweeper.unref();
  return {
    [Symbol.dispose]() {
      clearInterval(sweeper);
      for (const key of conversations.keys()) drop(conversations, key);
      server.close();
    },
  };
}

function bind(server: Socket, listen: { readonly address: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.bind({ address: listen.address, port: listen.port, exclusive: true }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

function talkTo(
  server: Socket,
  conversations: Map<string, Conversation>,
  client: RemoteInfo,
  target: ForwardTarget,
): Conversation {
  const key = `${client.address} ${client.port}`;
  const known = conversations.get(key);
  // Set again at the end, so that the map's order is the order of the last words.
  conversations.delete(key);
  const conversation = known ?? { upstream: newUpstream(server, conversations, client, target), lastMs: 0 };
  conversation.lastMs = monotonicMs();
  conversations.set(key, conversation);
  if (conversations.size > maxClients) drop(conversations, conversations.keys().next().value ?? key);
  return conversation;
}

function newUpstream(
  server: Socket,
  conversations: Map<string, Conversation>,
  client: RemoteInfo,
  target: ForwardTarget,
): Socket {
  const upstream = createSocket(target.address.includes(":") ? "udp6" : "udp4");
  upstream.on("error", () => drop(conversations, `${client.address} ${client.port}`));
  upstream.on("message", (message, sender) => {
    if (sender.address !== target.address || sender.port !== target.port) return;
    const conversation = conversations.get(`${client.address} ${client.port}`);
    if (conversation !== undefined) conversation.lastMs = monotonicMs();
    server.send(message, client.port, client.address);
  });
  return upstream;
}

function dropIdle(conversations: Map<string, Conversation>): void {
  const oldestMs = monotonicMs() - idleMs;
  for (const [key, { lastMs }] of conversations) if (lastMs < oldestMs) drop(conversations, key);
}

function drop(conversations: Map<string, Conversation>, key: string): void {
  const conversation = conversations.get(key);
  conversations.delete(key);
  conversation?.upstream.close();
}

/**
 * One question to one name server: a datagram from a port of its own, and TCP where the answer does not fit.
 *
 * The socket is connected, so that the kernel drops what comes from anybody else; the id is random, and an answer must
 * repeat the question. What does not is dropped in silence: the right one may still come.
 */
import type { Socket } from "bun";
import { ipVersion } from "../config/ip-version.ts";
import { checkResponse, type DnsQuery, encodeQuery, ourUdpBytes } from "./dns-message.ts";

export interface NameServerAddress {
  /** An IPv6 address may have a zone: `fe80::1%eth0`. */
  readonly address: string;
  readonly port: number;
}

export interface ServerAnswer {
  readonly code: number;
  /** The whole message, under the id it was asked with. */
  readonly message: Uint8Array;
}

/** Asks until it answers or `signal` gives up. Undefined: it cannot be reached, or has given up by itself. */
export async function askServer(
  server: NameServerAddress,
  query: DnsQuery,
  signal: AbortSignal,
): Promise<ServerAnswer | undefined> {
  const answer = await askByDatagram(server, query, signal);
  if (answer !== "truncated") return answer;
  return askByStream(server, query, signal);
}

async function askByDatagram(
  server: NameServerAddress,
  query: DnsQuery,
  signal: AbortSignal,
): Promise<ServerAnswer | "truncated" | undefined> {
  const id = randomId();
  const { promise, resolve } = Promise.withResolvers<ServerAnswer | "truncated" | undefined>();
  const giveUp = () => resolve(undefined);
  const socket = await Bun.udpSocket({
    ...(ipVersion(server.address) === 4 ? {} : { hostname: "::" }),
    connect: { hostname: server.address, port: server.port },
    socket: {
      data: (_socket, message) => {
        const response = checkResponse(message, query, id);
        if (response?.isTruncated) resolve("truncated");
        else if (response !== undefined) resolve({ code: response.code, message: new Uint8Array(message) });
      },
      // ICMP: nobody is at home.
      error: giveUp,
    },
  }).catch(giveUp);
  if (socket === undefined) return undefined;
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    if (signal.aborted) return undefined;
    socket.send(encodeQuery(query, id, Math.min(query.udpBytes, ourUdpBytes)));
    return await promise;
  } catch {
    return undefined;
  } finally {
    signal.removeEventListener("abort", giveUp);
    socket.close();
  }
}

/** Length u16 and message, both ways (RFC 1035, 4.2.2). */
async function askByStream(
  server: NameServerAddress,
  query: DnsQuery,
  signal: AbortSignal,
): Promise<ServerAnswer | undefined> {
  const id = randomId();
  const { promise, resolve } = Promise.withResolvers<ServerAnswer | undefined>();
  const giveUp = () => resolve(undefined);
  let received = new Uint8Array(0);
  const take = (socket: Socket, chunk: Uint8Array): void => {
    received = joined(received, chunk);
    const message = received.subarray(2, 2 + lengthOf(received));
    if (received.byteLength < 2 || message.byteLength < lengthOf(received)) return;
    const response = checkResponse(message, query, id);
    resolve(response === undefined ? undefined : { code: response.code, message: new Uint8Array(message) });
    socket.end();
  };
  signal.addEventListener("abort", giveUp, { once: true });
  const connecting = Bun.connect({
    hostname: server.address,
    port: server.port,
    socket: { data: take, close: giveUp, end: giveUp, error: giveUp, connectError: giveUp },
  });
  connecting.then((socket) => socket.write(framed(encodeQuery(query, id, ourUdpBytes))), giveUp);
  try {
    if (signal.aborted) giveUp();
    return await promise;
  } finally {
    signal.removeEventListener("abort", giveUp);
    connecting.then(
      (socket) => socket.end(),
      () => undefined,
    );
  }
}

/** A message behind its length. */
export function framed(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(2 + message.byteLength);
  new DataView(frame.buffer).setUint16(0, message.byteLength);
  frame.set(message, 2);
  return frame;
}

function lengthOf(bytes: Uint8Array): number {
  return ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(left.byteLength + right.byteLength);
  all.set(left);
  all.set(right, left.byteLength);
  return all;
}

function randomId(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
}

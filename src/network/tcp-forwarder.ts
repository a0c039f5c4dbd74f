/**
 * Forwarding TCP in userland: every connection to a listening socket becomes one to the target.
 *
 * Each direction holds at most what one read gave: a side that cannot be written to pauses the other. An end of one direction
 * (FIN) is passed on after the bytes before it and leaves the other direction open; a broken connection breaks its
 * other half. Descriptors are the bound: a client too many is turned away at once.
 */
import type { Socket } from "bun";
import { prlimit } from "../../ffi/process.ts";
import { Splicer } from "../../ffi/splice.ts";
import type { Forwarder, ForwardTarget } from "./forwarder.ts";

const RLIMIT_NOFILE = 7;
/** Descriptors left for everything else that the process does. */
const reserved = 256;

/** Connections that this process can hold, two descriptors each; more would make accepting fail over and over. */
function connectionLimit(): number {
  const { soft } = prlimit(0, RLIMIT_NOFILE);
  return Math.max(16, Math.floor((Number(soft) - reserved) / 2));
}

/** Halves of connections, of all forwarders together. */
let openSides = 0;

export interface TcpForwarder extends Forwarder {
  /** Connections that are open now. */
  readonly connectionCount: number;
}

/** One half of a connection, and what waits to be written to it. */
interface Side {
  socket: Socket<Side> | undefined;
  peer: Side | undefined;
  backlog: Uint8Array[];
  /** It will send no more. */
  ended: boolean;
  closed: boolean;
}

/**
 * Serves a listening socket, which is its own from then on, until disposed; open connections are broken then.
 * `chooseTarget` is asked for each connection.
 */
export function forwardTcp(
  fd: number,
  chooseTarget: () => ForwardTarget,
  maxConnections = connectionLimit(),
): TcpForwarder {
  const sides = new Set<Side>();
  const handlers = socketHandlers(sides);
  const options = {
    // Not in Bun's types, and there since 1.1: the loop takes the descriptor over.
    fd,
    allowHalfOpen: true,
    socket: {
      ...handlers,
      open: (socket: Socket<Side>) => {
        // Nothing is read before there is somewhere to write it to.
        socket.pause();
        socket.data = newSide(sides, socket);
        if (openSides > maxConnections * 2) socket.terminate();
        else void connect(socket.data, sides, chooseTarget(), handlers);
      },
    },
  };
  const listener = Bun.listen<Side>(options as unknown as Bun.TCPSocketListenOptions<Side>);
  return {
    fd,
    get connectionCount() {
      return sides.size / 2;
    },
    get isIdle() {
      return sides.size === 0;
    },
    [Symbol.dispose]() {
      listener.stop(true);
      for (const side of sides) side.socket?.terminate();
    },
  };
}

async function connect(
  client: Side,
  sides: Set<Side>,
  target: ForwardTarget,
  handlers: ReturnType<typeof socketHandlers>,
): Promise<void> {
  const upstream = newSide(sides, undefined);
  client.peer = upstream;
  upstream.peer = client;
  try {
    const socket = await Bun.connect<Side>({
      hostname: target.address,
      port: target.port,
      allowHalfOpen: true,
      data: upstream,
      socket: { ...handlers, connectError: () => {} },
    });
    upstream.socket = socket;
    if (client.closed) socket.terminate();
    else client.socket?.resume();
  } catch {
    forget(sides, upstream);
    client.peer = undefined;
    client.socket?.terminate();
  }
}

function socketHandlers(sides: Set<Side>) {
  return {
    data: (socket: Socket<Side>, chunk: Uint8Array) => pass(socket.data, chunk),
    drain: (socket: Socket<Side>) => flush(socket.data),
    end: (socket: Socket<Side>) => {
      socket.data.ended = true;
      finish(socket.data.peer);
    },
    close: (socket: Socket<Side>) => {
      const side = socket.data;
      side.closed = true;
      side.ended = true;
      forget(sides, side);
      finish(side.peer);
    },
    error: (socket: Socket<Side>) => {
      socket.data.peer?.socket?.terminate();
    },
  };
}

function newSide(sides: Set<Side>, socket: Socket<Side> | undefined): Side {
  const side: Side = { socket, peer: undefined, backlog: [], ended: false, closed: false };
  sides.add(side);
  openSides++;
  return side;
}

function forget(sides: Set<Side>, side: Side): void {
  if (sides.delete(side)) openSides--;
}

/** Bytes that came from `side` go to its peer; what does not fit waits there, and `side` is not read meanwhile. */
function pass(side: Side, chunk: Uint8Array): void {
  const { peer } = side;
  if (peer?.socket === undefined || peer.closed) return;
  const written = peer.backlog.length > 0 ? 0 : Math.max(peer.socket.write(chunk), 0);
  if (written < chunk.byteLength) hold(side, peer, new Uint8Array(chunk.subarray(written)));
  else if (chunk.byteLength >= bulkBytes) passInBulk(side, peer);
}

function hold(side: Side, peer: Side, rest: Uint8Array): void {
  peer.backlog.push(rest);
  side.socket?.pause();
}

/** More is probably there already: it goes past this process's memory. */
function passInBulk(side: Side, peer: Side): void {
  if (side.socket === undefined || peer.socket === undefined) return;
  splicer ??= new Splicer();
  const rest = splicer.move(descriptorOf(side.socket), descriptorOf(peer.socket), spliceBudgetBytes);
  if (rest === undefined) return;
  hold(side, peer, rest);
  // Bun says when there is room again once it has been refused.
  flush(peer);
}

/** Not in Bun's types. */
function descriptorOf(socket: Socket<Side>): number {
  return (socket as unknown as { readonly fd: number }).fd;
}

let splicer: Splicer | undefined;
/** A read of that much is not a conversation. */
const bulkBytes = 128 << 10;
/** What one connection may move before others have their turn. */
const spliceBudgetBytes = 8 << 20;

function flush(side: Side): void {
  const { socket } = side;
  if (socket === undefined) return;
  for (let chunk = side.backlog[0]; chunk !== undefined; chunk = side.backlog[0]) {
    const written = Math.max(socket.write(chunk), 0);
    if (written < chunk.byteLength) {
      side.backlog[0] = chunk.subarray(written);
      return;
    }
    side.backlog.shift();
  }
  if (side.peer?.ended === true) finish(side);
  else side.peer?.socket?.resume();
}

/** Passes the end of the peer's direction on to `side`, once everything before it has been written. */
function finish(side: Side | undefined): void {
  if (side?.socket === undefined || side.closed || side.backlog.length > 0) return;
  // A peer that is gone altogether takes no answer any more either.
  if (side.peer?.closed === true || side.ended) side.socket.end();
  else side.socket.shutdown();
}

/**
 * DNS over TCP from a container: messages behind their length, any number on one connection (RFC 7766).
 *
 * A client that stays silent, asks more than it reads, or sends what is no query loses its connection; how many
 * there can be at once is the server's to say.
 */
import type { Socket } from "bun";
import { framed } from "./ask-server.ts";

/** Gives the answer, or undefined where there is none to give. */
export type StreamAnswer = (message: Uint8Array) => Promise<Uint8Array | undefined> | Uint8Array | undefined;

const idleSeconds = 10;
const maxUnansweredPerClient = 32;
const maxUnsentBytes = 256 * 1024;

interface StreamClient {
  received: Uint8Array;
  unanswered: number;
  unsent: Uint8Array;
  /** It asks no more; what it has asked is still answered. */
  hasEnded: boolean;
}

/**
 * Serves a connected socket, whose descriptor becomes the connection's. `closed` is called once.
 */
export async function serveStream(fd: number, answer: StreamAnswer, closed: () => void): Promise<void> {
  const client = {
    received: new Uint8Array(0),
    unanswered: 0,
    unsent: new Uint8Array(0),
    hasEnded: false,
  };
  // `fd` is missing in bun-types 1.4.5; it adopts a connected socket.
  const options = {
    fd,
    allowHalfOpen: true,
    data: client,
    socket: {
      open: (socket: Socket<StreamClient>) => socket.timeout(idleSeconds),
      data: (socket: Socket<StreamClient>, chunk: Uint8Array) => void take(socket, chunk, answer),
      drain: (socket: Socket<StreamClient>) => flush(socket),
      end: (socket: Socket<StreamClient>) => {
        socket.data.hasEnded = true;
        endWhenDone(socket);
      },
      timeout: (socket: Socket<StreamClient>) => void socket.end(),
      error: (socket: Socket<StreamClient>) => void socket.end(),
      close: closed,
    },
  };
  await Bun.connect(options as unknown as Parameters<typeof Bun.connect<StreamClient>>[0]);
}

async function take(socket: Socket<StreamClient>, chunk: Uint8Array, answer: StreamAnswer): Promise<void> {
  const client = socket.data;
  client.received = Buffer.concat([client.received, chunk]);
  const messages = splitMessages(client);
  client.unanswered += messages.length;
  if (client.unanswered > maxUnansweredPerClient) {
    socket.terminate();
    return;
  }
  socket.timeout(idleSeconds);
  await Promise.all(
    messages.map(async (message) => {
      const reply = await answer(message);
      client.unanswered--;
      if (reply === undefined) socket.end();
      else send(socket, framed(reply));
      endWhenDone(socket);
    }),
  );
}

/** Takes the whole messages from the front of what was received; an unfinished one waits, at most 64 KiB. */
function splitMessages(client: StreamClient): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const { received } = client;
  let at = 0;
  while (at + 2 <= received.byteLength) {
    const end = at + 2 + (((received[at] ?? 0) << 8) | (received[at + 1] ?? 0));
    if (end > received.byteLength) break;
    messages.push(received.subarray(at + 2, end));
    at = end;
  }
  client.received = received.subarray(at);
  return messages;
}

function send(socket: Socket<StreamClient>, frame: Uint8Array): void {
  const client = socket.data;
  client.unsent = Buffer.concat([client.unsent, frame]);
  if (client.unsent.byteLength > maxUnsentBytes) socket.terminate();
  else flush(socket);
}

function flush(socket: Socket<StreamClient>): void {
  const client = socket.data;
  if (client.unsent.byteLength === 0) return;
  const written = socket.write(client.unsent);
  client.unsent = written < 0 ? new Uint8Array(0) : client.unsent.subarray(written);
  endWhenDone(socket);
}

function endWhenDone(socket: Socket<StreamClient>): void {
  const { hasEnded, unanswered, unsent } = socket.data;
  if (hasEnded && unanswered === 0 && unsent.byteLength === 0) socket.end();
}

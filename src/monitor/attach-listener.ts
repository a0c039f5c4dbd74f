/**
 * The monitor's door: a unix socket that only the owner of the state can open (folder 0700, socket 0600).
 *
 * A socket file that a killed monitor left behind is replaced; there is one monitor a container.
 */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { Channel } from "./channel.ts";
import type { PortsOrder } from "./held-ports.ts";
import { decodeJson, encodeJson, FrameType, type NameRequest, toWireError } from "./protocol.ts";
import type { AttachRequest } from "./session.ts";
import { withSocketAddress } from "./socket-address.ts";

export interface AttachListener {
  /** Removes the socket and sends away who has not asked yet: nobody would tell them of the end. Clients stay. */
  close(): void;
}

/** Who is asked for what a client wants. */
export interface ClientHandlers {
  /** The channel is on hold. */
  attached(channel: Channel, request: AttachRequest): void;
  replacePorts(order: PortsOrder): Promise<void>;
  serveNames(request: NameRequest): Promise<void>;
}

/** Takes in each client that asks properly. */
export async function listenForClients(
  socketPath: string,
  handlers: ClientHandlers,
): Promise<AttachListener> {
  mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
  rmSync(socketPath, { force: true });
  const unasked = new Set<Channel>();
  const server = await withSocketAddress(socketPath, (unix) =>
    Bun.listen<Channel>({
      unix,
      socket: {
        ...Channel.socketHandlers,
        open: (socket) => {
          socket.data = new Channel();
          Channel.socketHandlers.open(socket);
          awaitRequest(socket.data, handlers, unasked);
        },
      },
    }),
  );
  chmodSync(socketPath, 0o600);
  return {
    close: () => {
      server.stop();
      rmSync(socketPath, { force: true });
      for (const channel of unasked) channel.close();
    },
  };
}

function awaitRequest(channel: Channel, handlers: ClientHandlers, unasked: Set<Channel>): void {
  unasked.add(channel);
  channel.listen({
    frame: ({ type, payload }) => {
      channel.hold();
      unasked.delete(channel);
      if (type === FrameType.attach) {
        channel.send(FrameType.attached);
        handlers.attached(channel, decodeJson<AttachRequest>(payload));
      } else if (type === FrameType.ports) {
        void answer(channel, FrameType.portsTaken, handlers.replacePorts(decodeJson<PortsOrder>(payload)));
      } else if (type === FrameType.serveNames) {
        void answer(channel, FrameType.namesServed, handlers.serveNames(decodeJson<NameRequest>(payload)));
      } else channel.close();
    },
    closed: () => unasked.delete(channel),
  });
}

/** Says that it is done, or why not. */
async function answer(channel: Channel, done: FrameType, change: Promise<void>): Promise<void> {
  try {
    await change;
    channel.send(done);
  } catch (error) {
    channel.send(FrameType.error, encodeJson(toWireError(error)));
  }
  await channel.drained();
  channel.close();
}

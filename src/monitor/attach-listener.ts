/**
 * The monitor's door: a unix socket that only the owner of the state can open (folder 0700, socket 0600).
 *
 * A socket file that a killed monitor left behind is replaced; there is one monitor a container.
 */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { Channel } from "./channel.ts";
import { decodeJson, FrameType } from "./protocol.ts";
import type { AttachRequest } from "./session.ts";
import { withSocketAddress } from "./socket-address.ts";

export interface AttachListener {
  /** Takes no more clients and removes the socket. Connections stay. */
  close(): void;
}

/** Hands over each client that asks properly, with its channel on hold. */
export async function listenForClients(
  socketPath: string,
  attached: (channel: Channel, request: AttachRequest) => void,
): Promise<AttachListener> {
  mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
  rmSync(socketPath, { force: true });
  const server = await withSocketAddress(socketPath, (unix) =>
    Bun.listen<Channel>({
      unix,
      socket: {
        ...Channel.socketHandlers,
        open: (socket) => {
          socket.data = new Channel();
          Channel.socketHandlers.open(socket);
          awaitRequest(socket.data, attached);
        },
      },
    }),
  );
  chmodSync(socketPath, 0o600);
  return {
    close: () => {
      server.stop();
      rmSync(socketPath, { force: true });
    },
  };
}

function awaitRequest(channel: Channel, attached: (channel: Channel, request: AttachRequest) => void): void {
  channel.listen({
    frame: ({ type, payload }) => {
      channel.hold();
      if (type !== FrameType.attach) {
        channel.close();
        return;
      }
      channel.send(FrameType.attached);
      attached(channel, decodeJson<AttachRequest>(payload));
    },
    closed: () => undefined,
  });
}

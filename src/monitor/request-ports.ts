/**
 * Telling a running container's monitor which ports to serve from now on.
 */
import { BockerError } from "../errors.ts";
import { monotonicMs } from "../host/clock.ts";
import { Channel } from "./channel.ts";
import type { PortsOrder } from "./held-ports.ts";
import { decodeJson, encodeJson, FrameType, fromWireError, type WireError } from "./protocol.ts";
import { withSocketAddress } from "./socket-address.ts";

/** A monitor listens within milliseconds after the start, and again after a rest; a busy machine may take longer. */
const patienceMs = 3000;
const betweenTriesMs = 10;

/** Kept when the monitor serves them. Rejects with docker's error for a port that is taken; nothing has changed then. */
export async function requestPorts(socketPath: string, order: PortsOrder): Promise<void> {
  const channel = await connect(socketPath);
  channel.send(FrameType.ports, encodeJson(order));
  await new Promise<void>((resolve, reject) => {
    channel.listen({
      frame: ({ type, payload }) => {
        channel.close();
        if (type === FrameType.portsTaken) resolve();
        else reject(fromWireError(decodeJson<WireError>(payload)));
      },
      closed: () => reject(new BockerError("the container's monitor has gone without an answer")),
    });
  });
}

async function connect(socketPath: string): Promise<Channel> {
  const deadline = monotonicMs() + patienceMs;
  for (;;) {
    try {
      return await withSocketAddress(socketPath, (unix) => Channel.connect({ unix }));
    } catch (error) {
      if (monotonicMs() > deadline)
        throw new BockerError("the container's monitor does not answer", {
          kind: "not-running",
          cause: error,
        });
    }
    await Bun.sleep(betweenTriesMs);
  }
}

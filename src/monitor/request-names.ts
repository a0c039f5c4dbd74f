/**
 * Asking a running container's monitor to serve names: `network connect` to the first network that has any.
 */
import { BockerError } from "../errors.ts";
import { Channel } from "./channel.ts";
import {
  decodeJson,
  encodeJson,
  FrameType,
  fromWireError,
  type NameRequest,
  type WireError,
} from "./protocol.ts";
import { withSocketAddress } from "./socket-address.ts";

/** Kept when the resolver answers. Rejects with the monitor's BockerError, or with the system's when nobody listens. */
export async function requestNames(socketPath: string, request: NameRequest): Promise<void> {
  const channel = await withSocketAddress(socketPath, (unix) => Channel.connect({ unix }));
  channel.send(FrameType.serveNames, encodeJson(request));
  await new Promise<void>((resolve, reject) => {
    channel.listen({
      frame: ({ type, payload }) => {
        channel.hold();
        channel.close();
        if (type === FrameType.namesServed) resolve();
        else reject(fromWireError(decodeJson<WireError>(payload)));
      },
      closed: () => reject(new BockerError("the container's monitor has gone without an answer")),
    });
  });
}

/**
 * The first exchange on a channel: ask, wait for `started` or `attached`, and have a session.
 */
import { BockerError } from "../errors.ts";
import type { Channel } from "./channel.ts";
import {
  decodeJson,
  encodeJson,
  FrameType,
  fromWireError,
  type StartOrder,
  type WireError,
} from "./protocol.ts";
import { RemoteSession } from "./remote-session.ts";
import type { AttachRequest } from "./session.ts";

/** Orders the start of a container; the session's channel is on hold. Rejects with the monitor's BockerError. */
export function openStarted(channel: Channel, order: StartOrder): Promise<RemoteSession> {
  channel.send(FrameType.start, encodeJson(order));
  return firstAnswer(channel, FrameType.started);
}

/** Asks a running monitor for the container's streams. */
export function openAttached(channel: Channel, request: AttachRequest): Promise<RemoteSession> {
  channel.send(FrameType.attach, encodeJson(request));
  return firstAnswer(channel, FrameType.attached);
}

function firstAnswer(channel: Channel, wanted: FrameType): Promise<RemoteSession> {
  return new Promise((resolve, reject) => {
    channel.listen({
      frame: ({ type, payload }) => {
        channel.hold();
        if (type === wanted) {
          resolve(new RemoteSession(channel));
          return;
        }
        channel.close();
        reject(
          type === FrameType.error
            ? fromWireError(decodeJson<WireError>(payload))
            : new BockerError(`the monitor answered with frame ${type}, not ${wanted}`),
        );
      },
      closed: () => reject(new BockerError("the container's monitor has gone without an answer")),
    });
  });
}

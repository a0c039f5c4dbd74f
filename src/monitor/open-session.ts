/**
 * The first exchange on a channel: ask, wait for `started` or `attached`, and have a session.
 */
import { writeAll } from "../../ffi/file.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";
import { Channel } from "./channel.ts";
import {
  decodeJson,
  encodeFrame,
  encodeJson,
  FrameType,
  fromWireError,
  type StartOrder,
  type WireError,
} from "./protocol.ts";
import { RemoteSession } from "./remote-session.ts";
import type { AttachRequest } from "./session.ts";

/**
 * Orders the start of a container over a connected socket, which is the session's then; its channel is on hold.
 * Rejects with the monitor's BockerError. The order goes out before the channel is set up, so that the monitor is at
 * work meanwhile.
 */
export async function openStarted(fd: number, order: StartOrder): Promise<RemoteSession> {
  try {
    writeAll(fd, encodeFrame(FrameType.start, encodeJson(order)));
  } catch (error) {
    // A monitor that has gone: the channel says so.
    if (!isErrno(error, "EPIPE")) throw error;
  }
  return firstAnswer(await Channel.connect({ fd }), FrameType.started);
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

/**
 * One question to a running container's monitor: a frame there, an answer back. What is asked must be the same when it is
 * asked twice: a monitor that goes to rest drops who has just come, and is asked again.
 */
import { BockerError } from "../errors.ts";
import { monotonicMs } from "../host/clock.ts";
import { Channel } from "./channel.ts";
import type { Frame } from "./frame-decoder.ts";
import { decodeJson, FrameType, fromWireError, type WireError } from "./protocol.ts";
import { withSocketAddress } from "./socket-address.ts";

/** A monitor listens within milliseconds after the start, and again after a rest; a busy machine may take longer. */
const patienceMs = 3000;
const betweenTriesMs = 10;

/** Kept when the answer is `done`. Rejects with the monitor's BockerError, or "not-running" when none answers. */
export async function askMonitor(
  socketPath: string,
  type: FrameType,
  payload: Uint8Array,
  done: FrameType,
): Promise<void> {
  const deadline = monotonicMs() + patienceMs;
  for (;;) {
    const answer = await exchange(socketPath, type, payload).catch((error: unknown) => {
      if (monotonicMs() > deadline) throw noAnswer(error);
    });
    if (answer?.type === done) return;
    if (answer?.type === FrameType.error) throw fromWireError(decodeJson<WireError>(answer.payload));
    if (monotonicMs() > deadline) throw noAnswer(undefined);
    await Bun.sleep(betweenTriesMs);
  }
}

/** Undefined: it hung up. */
async function exchange(
  socketPath: string,
  type: FrameType,
  payload: Uint8Array,
): Promise<Frame | undefined> {
  const channel = await withSocketAddress(socketPath, (unix) => Channel.connect({ unix }));
  channel.send(type, payload);
  return new Promise((resolve) => {
    channel.listen({
      frame: (frame) => {
        channel.close();
        resolve(frame);
      },
      closed: () => resolve(undefined),
    });
  });
}

function noAnswer(cause: unknown): BockerError {
  return new BockerError("the container's monitor does not answer", {
    kind: "not-running",
    // A monitor that rests does not see that somebody cleared the run folder, and works on.
    hint: "where somebody deleted its socket, bocker restart makes it again",
    cause,
  });
}

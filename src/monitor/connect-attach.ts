/**
 * Connecting to a running container's monitor: attach, start -a of a running one, and waiting for its end.
 */
import { BockerError } from "../errors.ts";
import { Channel } from "./channel.ts";
import { openAttached } from "./open-session.ts";
import type { RemoteSession } from "./remote-session.ts";
import type { AttachRequest } from "./session.ts";
import { withSocketAddress } from "./socket-address.ts";

/** Of whoever names none: a monitor listens within milliseconds after the container's start; a busy machine may take longer. */
const defaultPatienceMs = 2000;
const betweenTriesMs = 10;

/**
 * A session over the monitor's socket (`…/containers/ID/attach.sock`); a request without any stream just waits for the
 * exit code. For a container that the state calls running: while nobody listens, it is awaited
 * (a monitor that just started, or is resting).
 *
 * @throws BockerError not-running: nobody listens.
 */
export async function connectAttach(
  socketPath: string,
  request: AttachRequest,
  patienceMs = defaultPatienceMs,
): Promise<RemoteSession> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      const channel = await withSocketAddress(socketPath, (unix) => Channel.connect({ unix }));
      return await openAttached(channel, request);
    } catch (error) {
      if (performance.now() > deadline) throw nobodyListens(error);
    }
    await Bun.sleep(betweenTriesMs);
  }
}

function nobodyListens(cause: unknown): BockerError {
  return new BockerError("cannot attach: the container's monitor does not answer", {
    kind: "not-running",
    hint: "bocker ps -a shows whether the container still runs",
    cause,
  });
}

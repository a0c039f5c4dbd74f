/**
 * When a monitor rests: soon after the start, and again whenever it has grown (a burst of output leaves garbage behind).
 */
import type { ContainerLife } from "./container-life.ts";
import type { HealthTimer } from "./health-timer.ts";
import type { HeldPorts } from "./held-ports.ts";
import type { StartedContainer } from "./monitor-dependencies.ts";
import type { NameDoor } from "./name-door.ts";
import { restNow } from "./rest.ts";
import { isGoingDown } from "./shutdown-notice.ts";

/** A container that ends by then, as most of `run --rm`, never pays for it. */
const firstLookMs = 1000;
const nextLookMs = 10_000;
/** A health check in flight is over soon; the next pause between two is waited for. */
const checkingLookMs = 150;
/** Growth of the resident set, above which a resumed monitor starts anew. */
const growthBytes = 4 << 20;

/** What goes on beside the container's streams. */
export interface RestingParts {
  readonly held: HeldPorts;
  readonly names: NameDoor;
  readonly health?: HealthTimer | undefined;
}

/**
 * Looks from time to time until the result is called. `resumed`: has rested before. Does nothing for a container
 * whose monitor cannot rest.
 */
export function restWhenQuiet(
  life: ContainerLife,
  id: string,
  container: StartedContainer,
  resumed: boolean,
  { held, names, health }: RestingParts,
): () => void {
  const { rest, stdinOnce, log, socketPath, deadlineMs } = container;
  if (rest === undefined) return () => undefined;
  const deadline = deadlineMs === undefined ? {} : { deadlineMs };
  const state = { id, stdinOnce, log, socketPath, ...deadline, ...rest };
  // The first look of a resumed monitor only sees how large it is by itself.
  let limitBytes = resumed ? Number.POSITIVE_INFINITY : 0;
  let timer = setTimeout(look, firstLookMs);
  function look(): void {
    const rssBytes = process.memoryUsage.rss();
    // What is known of a shutdown is known in this process only.
    const stdio = rssBytes > limitBytes && !isGoingDown() && names.isQuiet ? life.quietStdio() : undefined;
    const schedule = health?.resting;
    const isChecking = health !== undefined && schedule === undefined;
    const ports = held.resting;
    if (stdio !== undefined && !isChecking && ports !== undefined)
      restNow({
        ...state,
        stdio,
        ports,
        ...(schedule ? { health: schedule } : {}),
        ...(names.service ? { names: names.service } : {}),
      });
    if (limitBytes === Number.POSITIVE_INFINITY) limitBytes = rssBytes + growthBytes;
    timer = setTimeout(look, stdio !== undefined && isChecking ? checkingLookMs : nextLookMs);
  }
  return () => clearTimeout(timer);
}

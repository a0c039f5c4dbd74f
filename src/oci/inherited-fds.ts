/**
 * The descriptors a caller passes on to a container: its standard streams, those of $LISTEN_FDS (sd_listen_fds(3)) and
 * those that --preserve-fds counts, which follow from number 3 up.
 */
import { fstatSync, readlinkSync } from "node:fs";
import { isCloseOnExec } from "../../ffi/file.ts";
import { BockerError } from "../errors.ts";

const firstPreserved = 3;
/** What ffi/launch.ts has room for, beside the engine's own. */
const mostPreserved = 16;

export interface PassedDescriptors {
  readonly count: number;
  /** By the names that plans use: `preserve0` … */
  readonly fds: Readonly<Record<string, number>>;
  /** LISTEN_FDS and LISTEN_PID as the container's process sees them. */
  readonly env: readonly string[];
}

/**
 * Finds the descriptors. One that this program opened itself, and nobody passed, is refused.
 * @throws BockerError naming the number that is not open
 */
export function passedDescriptors(preserve: number): PassedDescriptors {
  const listen = Number.parseInt(process.env.LISTEN_FDS ?? "0", 10) || 0;
  const count = preserve + Math.max(0, listen);
  if (count > mostPreserved) {
    throw new BockerError(`cannot pass ${count} descriptors on: at most ${mostPreserved}`, {
      kind: "unsupported",
    });
  }
  const fds: Record<string, number> = {};
  for (let index = 0; index < count; index++) {
    const fd = firstPreserved + index;
    if (!isPassed(fd)) {
      throw new BockerError(`cannot pass descriptor ${fd} on: it is not open`, {
        kind: "usage",
        hint: "--preserve-fds counts from descriptor 3",
      });
    }
    fds[`preserve${index}`] = fd;
  }
  return { count, fds, env: listen > 0 ? [`LISTEN_FDS=${listen}`, "LISTEN_PID=1"] : [] };
}

/**
 * Whether a caller can have passed it. Bun marks all but the first four close-on-exec when it starts (measured), so that
 * says nothing of the others; what Bun itself has by then are the two things an event loop is made of.
 */
function isPassed(fd: number): boolean {
  const closes = isCloseOnExec(fd);
  if (closes === undefined || (closes && fd <= firstPreserved)) return false;
  return !/^anon_inode:\[(eventpoll|eventfd|timerfd)\]$/.test(readlinkSync(`/proc/self/fd/${fd}`));
}

/** Pipes that the container's user should be able to open again (/dev/stdout). Files and terminals stay whose they are. */
export function ownPipes(): readonly (0 | 1 | 2)[] {
  return ([0, 1, 2] as const).filter((fd) => {
    try {
      return fstatSync(fd).isFIFO();
    } catch {
      return false;
    }
  });
}

/**
 * Descriptors that this process was started with, for whoever passes them on. To be looked for before this program has
 * opened any of its own: those have the same numbers.
 */
import { readlinkSync } from "node:fs";
import { isCloseOnExec } from "../../ffi/file.ts";
import { BockerError } from "../errors.ts";

/** After the standard streams. */
const firstPassed = 3;
/** What ffi/launch.ts has room for, beside the engine's own. */
const mostPassed = 16;

/**
 * `count` descriptors from number 3 up, by the names that plans use: `preserve0` … One that this program opened itself,
 * and nobody passed, is refused.
 * @throws BockerError naming the number that is not open
 */
export function findPassed(count: number): Readonly<Record<string, number>> {
  if (count > mostPassed) {
    throw new BockerError(`cannot pass ${count} descriptors on: at most ${mostPassed}`, {
      kind: "unsupported",
    });
  }
  const fds: Record<string, number> = {};
  for (let index = 0; index < count; index++) {
    const fd = firstPassed + index;
    if (!isPassed(fd)) {
      throw new BockerError(`cannot pass descriptor ${fd} on: it is not open`, {
        kind: "usage",
        hint: "--preserve-fds counts from descriptor 3",
      });
    }
    fds[`preserve${index}`] = fd;
  }
  return fds;
}

/**
 * Whether a caller can have passed it. Bun marks all but the first four close-on-exec when it starts (measured), so that
 * says nothing of the others; what Bun itself has by then are the two things an event loop is made of.
 */
function isPassed(fd: number): boolean {
  const closes = isCloseOnExec(fd);
  if (closes === undefined || (closes && fd <= firstPassed)) return false;
  return !/^anon_inode:\[(eventpoll|eventfd|timerfd)\]$/.test(readlinkSync(`/proc/self/fd/${fd}`));
}

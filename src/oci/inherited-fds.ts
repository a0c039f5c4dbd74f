/**
 * The descriptors a caller passes on to a container: its standard streams, those of $LISTEN_FDS (sd_listen_fds(3)) and
 * those that --preserve-fds counts, which follow from number 3 up.
 */
import { fstatSync } from "node:fs";
import { findPassed } from "../host/passed-descriptor.ts";

export interface PassedDescriptors {
  readonly count: number;
  /** By the names that plans use: `preserve0` … */
  readonly fds: Readonly<Record<string, number>>;
  /** LISTEN_FDS and LISTEN_PID as the container's process sees them. */
  readonly env: readonly string[];
}

/**
 * Finds the descriptors.
 * @throws BockerError naming the number that is not open
 */
export function passedDescriptors(preserve: number): PassedDescriptors {
  const listen = Number.parseInt(process.env.LISTEN_FDS ?? "0", 10) || 0;
  const count = preserve + Math.max(0, listen);
  const env = listen > 0 ? [`LISTEN_FDS=${listen}`, "LISTEN_PID=1"] : [];
  return { count, fds: findPassed(count), env };
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

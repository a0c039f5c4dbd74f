/**
 * Signals by name and number, as docker's --signal, --stop-signal and STOPSIGNAL spell them. Pure. See signal(7).
 */
import { constants } from "node:os";
import { BockerError } from "../errors.ts";

/** glibc's SIGRTMIN, the number `kill -l` and docker mean; the kernel's own is 32. */
const realTimeMin = 34;
const realTimeMax = 64;

/** `TERM`, `SIGTERM`, `15`, `SIGRTMIN+3` to the number. Throws docker's `invalid signal: x`. */
export function parseSignal(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : numberOf(text.toUpperCase().replace(/^SIG/, ""));
  if (number !== undefined && number >= 1 && number <= realTimeMax) return number;
  throw new BockerError(`invalid signal: ${text}`, {
    kind: "usage",
    hint: "a name like TERM, SIGKILL or SIGRTMIN+3, or a number from 1 to 64",
  });
}

function numberOf(name: string): number | undefined {
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime !== null) {
    const base = realTime[1] === "MIN" ? realTimeMin : realTimeMax;
    const offset = Number(realTime[3] ?? 0) * (realTime[2] === "-" ? -1 : 1);
    const number = base + offset;
    return number >= realTimeMin ? number : undefined;
  }
  return (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`];
}

/** `SIGTERM` for 15; the number itself for one without a name. */
export function signalNameOf(signal: number): string {
  const found = Object.entries(constants.signals).find(([, number]) => number === signal);
  return found?.[0] ?? `signal ${signal}`;
}

/**
 * `--since` and `--until`: a moment, or how long ago, as docker takes them. Pure but for the clock.
 */
import { BockerError } from "../errors.ts";
import { nowMs } from "../host/clock.ts";

const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
};

/** Milliseconds after the epoch. RFC 3339 in whole or part (local time without a zone), Unix seconds, or Go's `1h30m`. */
export function parseTimeOption(name: string, text: string | undefined, now = nowMs()): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const ago = parseGoDuration(text);
  if (ago !== undefined) return now - ago;
  const moment = /^\d{4}-\d{2}-\d{2}(T\d{2}(:\d{2}(:\d{2}([.,]\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text)
    ? Date.parse(completed(text))
    : Number.NaN;
  if (!Number.isNaN(moment)) return moment;
  throw new BockerError(`invalid value for "${name}": failed to parse value as time or duration: "${text}"`, {
    kind: "usage",
    hint: "for example 2026-01-02T15:04:05Z, 1735689600, or 10m",
  });
}

/**
 * A day alone is its first moment here, not in UTC; hours alone need minutes for Date. `date -Ins` writes a comma, which Go
 * reads as well.
 */
function completed(text: string): string {
  if (!text.includes("T")) return `${text}T00:00:00`;
  return text.replace(",", ".").replace(/T(\d{2})(?=$|Z|[+-])/, "T$1:00");
}

/** Milliseconds of Go's `1h30m` or `1.5s`; undefined: it is none. */
export function parseGoDuration(text: string): number | undefined {
  if (!/^-?(\d+(\.\d*)?(h|ms|m|s|us|µs|ns))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, number = "0", unit = "s"] of text.matchAll(/(\d+(?:\.\d*)?)(h|ms|m|s|us|µs|ns)/g)) {
    total += Number(number) * (unitMs[unit] ?? 0);
  }
  return text.startsWith("-") ? -total : total;
}

/**
 * Go's durations: `30s`, `1m30s`, `1.5h`. Pure; follows time.ParseDuration and Duration.String.
 */

const unitNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Nanoseconds. Throws Error(reason) in Go's words. */
export function parseDuration(text: string): number {
  const unsigned = text.replace(/^[+-]/, "");
  const parts = [...unsigned.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join("") === unsigned;
  if (unsigned !== "0" && !isWhole) throw new Error(`time: invalid duration ${JSON.stringify(text)}`);
  const total = parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (unitNs[unit] ?? 0), 0);
  return Math.round(total) * (text.startsWith("-") ? -1 : 1);
}

/** `1m30s`, `500ms`, `1h0m0s`; reads back by parseDuration. */
export function renderDuration(ns: number): string {
  if (ns === 0) return "0s";
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${ns / 1e3}µs`;
  if (ns < 1e9) return `${ns / 1e6}ms`;
  const minutes = Math.floor(ns / 60e9);
  const seconds = `${(ns - minutes * 60e9) / 1e9}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

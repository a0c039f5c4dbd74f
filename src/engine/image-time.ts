/**
 * The time that an image made here bears: now, or SOURCE_DATE_EPOCH for one that is to be the same tomorrow.
 * https://reproducible-builds.org/specs/source-date-epoch/
 */
import { BockerError } from "../errors.ts";
import { nowMs } from "../host/clock.ts";

/** Parses SOURCE_DATE_EPOCH; absent or empty is undefined. Throws kind `usage` for what is no number of seconds. */
export function parseSourceDateEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new BockerError(`invalid SOURCE_DATE_EPOCH: ${text}: not a number of seconds since 1970`, {
    kind: "usage",
  });
}

/** ISO 8601. */
export function renderCreated(epochSeconds: number | undefined): string {
  return new Date(epochSeconds === undefined ? nowMs() : epochSeconds * 1000).toISOString();
}

/**
 * Times as docker's JSON has them: RFC 3339 in UTC, and Go's zero time for what has not happened. Pure.
 */

/** Go's time.Time{}. */
const zeroTime = "0001-01-01T00:00:00Z";

/** `2026-11-21T09:30:00.123Z`; undefined or 0 is the zero time. */
export function renderTime(ms: number | undefined): string {
  return ms === undefined || ms === 0 ? zeroTime : new Date(ms).toISOString();
}

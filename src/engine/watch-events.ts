/**
 * `events`: what happened, and what happens from now on. The list in the database is the only source; the folder it is
 * in tells when to look again (inotify on the write-ahead log), so that nobody has to be there to send anything.
 */
import { dirname } from "node:path";
import { nowMs } from "../host/clock.ts";
import { FolderWatch } from "../monitor/folder-watch.ts";
import { type EventRecord, lastEventNumber, listEvents } from "../state/event.ts";
import type { Engine } from "./engine.ts";

export type { EventRecord };

export interface EventWindow {
  /** Milliseconds since the epoch; absent: from now on. */
  readonly sinceMs?: number;
  /** Absent: for ever. */
  readonly untilMs?: number;
}

/**
 * Batches of events in their order. Ends at `untilMs` or a moment later (a watch wakes up by itself from time to time),
 * else with the process.
 */
export async function* watchEvents(
  engine: Engine,
  { sinceMs, untilMs = Number.POSITIVE_INFINITY }: EventWindow,
): AsyncGenerator<readonly EventRecord[]> {
  const watch = new FolderWatch(dirname(engine.paths.database));
  let seen = sinceMs === undefined ? lastEventNumber(engine.state) : 0;
  try {
    for (;;) {
      // Looked at before the list is read: what happens between the two is for the next round.
      const isLast = nowMs() >= untilMs;
      const events = listEvents(engine.state, seen);
      seen = events.at(-1)?.number ?? seen;
      yield events.filter(({ timeMs }) => timeMs >= (sinceMs ?? 0) && timeMs <= untilMs);
      if (isLast) return;
      await watch.changed();
    }
  } finally {
    watch.close();
  }
}

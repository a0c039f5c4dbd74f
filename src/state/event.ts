/**
 * What happened, in order: an append-only list of the last ten thousand events, for `events`.
 */
import { nowMs } from "../host/clock.ts";
import { numberColumn, stringMapColumn, textColumn } from "./row.ts";
import type { Row, State } from "./state.ts";

export interface EventRecord {
  /** Grows by one with every event; a reader asks for what came after the last it saw. */
  readonly number: number;
  readonly timeMs: number;
  readonly type: "container" | "image" | "network" | "volume" | "secret";
  /** docker's words: `create`, `start`, `die`, `destroy`, `pull` … */
  readonly action: string;
  /** Of the container, image, network, volume or secret. */
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const keptEvents = 10_000;
/** Old ones go in batches, so that an event costs one insert. */
const batchEvents = 500;

/** Adds an event with the time of now. Call it in the transaction of the change that it tells of. */
export function appendEvent(state: State, event: Omit<EventRecord, "number" | "timeMs">): void {
  const inserted = state.first(
    "INSERT INTO events (time_ms, type, action, id, attributes) VALUES (?, ?, ?, ?, ?) RETURNING number",
    nowMs(),
    event.type,
    event.action,
    event.id,
    JSON.stringify(event.attributes),
  );
  forgetOldEvents(state, inserted);
}

function forgetOldEvents(state: State, inserted: Row | undefined): void {
  const number = Number(inserted?.number ?? 1);
  if (number % batchEvents === 0) state.run("DELETE FROM events WHERE number <= ?", number - keptEvents);
}

/**
 * As appendEvent, of a container: docker's attributes `image`, `name` and its labels, with `more`. One statement, for the
 * transitions that every run makes; nothing when there is no such container.
 */
export function appendContainerEvent(
  state: State,
  id: string,
  action: string,
  more: Readonly<Record<string, string>> = {},
): void {
  const inserted = state.first(
    `INSERT INTO events (time_ms, type, action, id, attributes)
       SELECT ?, 'container', ?, id, json_patch(coalesce(json_extract(config, '$.labels'), '{}'),
         json_patch(json_object('image', image_name, 'name', name), ?))
       FROM containers WHERE id = ? RETURNING number`,
    nowMs(),
    action,
    JSON.stringify(more),
    id,
  );
  forgetOldEvents(state, inserted);
}

/** docker's event of a whole prune, which is about no object. */
export function appendPruneEvent(state: State, type: EventRecord["type"], reclaimedBytes: number): void {
  appendEvent(state, { type, action: "prune", id: "", attributes: { reclaimed: String(reclaimedBytes) } });
}

/** The number of the last event; 0 when there was none. */
export function lastEventNumber(state: State): number {
  return Number(state.first("SELECT max(number) AS number FROM events")?.number ?? 0);
}

/** The events after number `after`, oldest first; all for 0. */
export function listEvents(state: State, after = 0): EventRecord[] {
  return state.all("SELECT * FROM events WHERE number > ? ORDER BY number", after).map(readEvent);
}

/** The newest event of that kind about that object, while it is kept. */
export function lastEvent(state: State, id: string, action: string): EventRecord | undefined {
  const row = state.first(
    "SELECT * FROM events WHERE id = ? AND action = ? ORDER BY number DESC LIMIT 1",
    id,
    action,
  );
  return row === undefined ? undefined : readEvent(row);
}

function readEvent(row: Row): EventRecord {
  return {
    number: numberColumn(row, "number"),
    timeMs: numberColumn(row, "time_ms"),
    type: textColumn(row, "type") as EventRecord["type"],
    action: textColumn(row, "action"),
    id: textColumn(row, "id"),
    attributes: stringMapColumn(row, "attributes"),
  };
}

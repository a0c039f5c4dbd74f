/**
 * A container's way through its statuses, each step a compare-and-set on who owns it.
 *
 *   created ──markStarting──▶ (monitor set) ──markRunning──▶ running ──markExited──▶ exited
 *      ▲                          │ markStartFailed             ▲ │ │ setStatus
 *      └──────────────────────────┘                             │ │ └─▶ paused
 *                                      restarting ──────────────┘ │
 *                                          ▲──── markRestarting ──┘
 *
 * A late writer (a monitor that was thought dead, a command that settles while another start is on its way) finds that the
 * processes it knows are no longer the row's, changes nothing and gets false: the newer truth stays.
 */
import { nowMs } from "../host/clock.ts";
import { isProcessAlive, isSameProcess } from "../host/process-identity.ts";
import { getContainer } from "./container.ts";
import { appendContainerEvent } from "./event.ts";
import type {
  ContainerRecord,
  ContainerStatus,
  HealthRecord,
  ProcessIdentity,
  StopIntent,
} from "./record.ts";
import { identityText } from "./row.ts";
import type { State } from "./state.ts";

/** The processes that a writer believes to be the container's; at least one must be given. */
export interface Owner {
  readonly init?: ProcessIdentity;
  readonly monitor?: ProcessIdentity;
}

export interface Exit {
  /** As docker shows it: the command's, or 128 + signal. */
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Absent: now. */
  readonly finishedAtMs?: number;
  /** Why it could not be started or go on, one line. */
  readonly error?: string;
  /** Absent: nobody knows. */
  readonly ranMs?: number;
}

/**
 * Claims a container for the monitor that is about to start it. False when it is running, being removed, gone, or
 * claimed by another monitor that lives; a claim of a dead one is taken over.
 */
export function markStarting(state: State, id: string, monitor: ProcessIdentity): boolean {
  return state.transaction(() => {
    const record = getContainer(state, id);
    if (record === undefined || !isStartable(record, monitor)) return false;
    // The restart policy's own start keeps its count; one that was asked for begins anew.
    const fresh =
      record.status === "restarting"
        ? ""
        : ", stop_intent = NULL, restart_count = 0, restart_delay_ms = NULL";
    state.run(
      `UPDATE containers SET monitor = ?, init = NULL, error = ''${fresh} WHERE id = ?`,
      identityText(monitor),
      id,
    );
    return true;
  });
}

/** Gives up the claim of the process that has made a container and will not start it. */
export function markCreated(state: State, id: string, maker: ProcessIdentity): void {
  state.run(
    "UPDATE containers SET monitor = NULL WHERE id = ? AND monitor = ? AND init IS NULL",
    id,
    identityText(maker),
  );
}

/** Records the container's first process, and its health before any check; false when `monitor` is not the one that holds it. */
export function markRunning(
  state: State,
  id: string,
  monitor: ProcessIdentity,
  init: ProcessIdentity,
  health?: HealthRecord,
): boolean {
  return changeWithEvent(
    state,
    id,
    [{ action: "start" }],
    `UPDATE containers SET status = 'running', init = ?, started_at_ms = ?, finished_at_ms = NULL, exit_code = 0,
       oom_killed = 0, error = '', health = ? WHERE id = ? AND monitor = ? AND status NOT IN ('removing', 'dead')`,
    identityText(init),
    nowMs(),
    health === undefined ? null : JSON.stringify(health),
    id,
    identityText(monitor),
  );
}

/** Records a health check's result. Call it in the transaction that has read the one before. */
export function setHealth(state: State, id: string, health: HealthRecord): void {
  state.run("UPDATE containers SET health = ? WHERE id = ?", JSON.stringify(health), id);
}

/**
 * Records that a start came to nothing: the status stays what it was (docker's "created" with an exit code and a
 * reason) and the claim is given back. False when `monitor` is not the one that holds it.
 */
export function markStartFailed(
  state: State,
  id: string,
  monitor: ProcessIdentity,
  failure: { readonly exitCode: number; readonly error: string },
): boolean {
  const changes = state.run(
    "UPDATE containers SET monitor = NULL, init = NULL, exit_code = ?, error = ? WHERE id = ? AND monitor = ?",
    failure.exitCode,
    failure.error,
    id,
    identityText(monitor),
  );
  return changes > 0;
}

/** Records the end of the process that `owner` names; false when the row is about another one by now. */
export function markExited(state: State, id: string, owner: Owner, exit: Exit): boolean {
  const [guard, bindings] = ownerGuard(owner);
  return changeWithEvent(
    state,
    id,
    endEvents(exit),
    `UPDATE containers SET status = CASE status WHEN 'removing' THEN status ELSE 'exited' END, init = NULL,
       monitor = NULL, finished_at_ms = ?, exit_code = ?, oom_killed = ?, error = ? WHERE id = ? AND ${guard}`,
    exit.finishedAtMs ?? nowMs(),
    exit.exitCode,
    exit.oomKilled ? 1 : 0,
    exit.error ?? "",
    id,
    ...bindings,
  );
}

/**
 * Records the end of a process that `monitor` will start again in `delayMs`. False when somebody has asked it to stop, or it
 * is another's by now: it has to be marked as exited then.
 */
export function markRestarting(
  state: State,
  id: string,
  monitor: ProcessIdentity,
  exit: Exit,
  delayMs: number,
): boolean {
  return changeWithEvent(
    state,
    id,
    endEvents(exit),
    `UPDATE containers SET status = 'restarting', init = NULL, finished_at_ms = ?, exit_code = ?, oom_killed = ?,
       error = '', restart_count = restart_count + 1, restart_delay_ms = ?
     WHERE id = ? AND monitor = ? AND stop_intent IS NULL AND status IN ('running', 'paused')`,
    exit.finishedAtMs ?? nowMs(),
    exit.exitCode,
    exit.oomKilled ? 1 : 0,
    delayMs,
    id,
    identityText(monitor),
  );
}

/** Gives up a restart: the end that was recorded stays the end. False when `monitor` is not the one that holds it. */
export function markRestartEnded(state: State, id: string, monitor: ProcessIdentity): boolean {
  const changes = state.run(
    "UPDATE containers SET status = 'exited', monitor = NULL WHERE id = ? AND status = 'restarting' AND monitor = ?",
    id,
    identityText(monitor),
  );
  return changes > 0;
}

/**
 * Notes that somebody asked a live container to stop: its restart policy rests until it is started by hand. That the
 * system goes down as well changes nothing for a container that somebody is stopping.
 */
export function markStopIntent(state: State, id: string, intent: StopIntent): boolean {
  const value = intent === "shutdown" ? "coalesce(stop_intent, ?)" : "?";
  const changes = state.run(
    `UPDATE containers SET stop_intent = ${value} WHERE id = ? AND status IN ('running', 'paused', 'restarting')`,
    intent,
    id,
  );
  return changes > 0;
}

/** Changes the status if it is one of `from`: running to paused, anything idle to removing. False when it is not. */
export function setStatus(
  state: State,
  id: string,
  from: readonly ContainerStatus[],
  to: ContainerStatus,
): boolean {
  const places = from.map(() => "?").join(", ");
  const sql = `UPDATE containers SET status = ? WHERE id = ? AND status IN (${places})`;
  const action =
    to === "paused" ? "pause" : to === "running" && from.includes("paused") ? "unpause" : undefined;
  return action === undefined
    ? state.run(sql, to, id, ...from) > 0
    : changeWithEvent(state, id, [{ action }], sql, to, id, ...from);
}

interface Told {
  readonly action: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** docker's, of a process that has ended. */
function endEvents({ exitCode, oomKilled, ranMs }: Exit): readonly Told[] {
  const duration = ranMs === undefined ? {} : { execDuration: String(Math.floor(ranMs / 1000)) };
  const die = { action: "die", attributes: { ...duration, exitCode: String(exitCode) } };
  return oomKilled ? [{ action: "oom" }, die] : [die];
}

/** A change of one row and the events that tell of it, together or not at all. */
function changeWithEvent(
  state: State,
  id: string,
  events: readonly Told[],
  sql: string,
  ...bindings: readonly (string | number | null)[]
): boolean {
  return state.transaction(() => {
    const isChanged = state.run(sql, ...bindings) > 0;
    if (!isChanged) return false;
    for (const { action, attributes } of events) appendContainerEvent(state, id, action, attributes);
    return true;
  });
}

/**
 * Whether nobody is left who would bring this record to an end: its monitor died, or the machine was started anew. Who
 * finds one settles it: releases what it holds and calls markExited with the record's own processes.
 */
export function needsSettling({ status, monitor, init }: ContainerRecord): boolean {
  const owner = monitor ?? init;
  return owner === undefined ? ["running", "paused", "restarting"].includes(status) : !isProcessAlive(owner);
}

function isStartable(record: ContainerRecord, monitor: ProcessIdentity): boolean {
  if (record.status === "restarting" && record.stopIntent !== undefined) return false;
  if (!["created", "exited", "restarting"].includes(record.status)) return false;
  const holder = record.monitor;
  return holder === undefined || isSameProcess(holder, monitor) || !isProcessAlive(holder);
}

function ownerGuard(owner: Owner): readonly [sql: string, bindings: readonly string[]] {
  const parts = (["init", "monitor"] as const).flatMap((column) => {
    const identity = owner[column];
    return identity === undefined ? [] : [{ sql: `${column} = ?`, binding: identityText(identity) }];
  });
  // Nothing known is nothing owned: a container that no process was ever recorded for.
  if (parts.length === 0) return ["init IS NULL AND monitor IS NULL", []];
  return [parts.map((part) => part.sql).join(" AND "), parts.map((part) => part.binding)];
}

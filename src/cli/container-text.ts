/**
 * A container's record in docker's words: the STATUS, PORTS and COMMAND cells of `ps`.
 *
 * Pure; used by ps and by whoever else shows containers as text. Durations follow docker's units.HumanDuration.
 */
import type { ContainerRecord } from "../state/record.ts";

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** `Less than a second`, `About a minute`, `3 hours`: docker's units.HumanDuration, without "ago". */
export function renderDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / secondMs);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(durationMs / minuteMs);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(durationMs / hourMs + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(durationMs / hourMs / 24 / 365)} years`;
}

/** Go's time.String(), as CREATED AT cells have it: `2026-01-02 15:04:05 +0000 UTC`. */
export function renderGoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}

/** The STATUS column: `Up 3 minutes`, `Exited (137) 2 hours ago`, `Created`. */
export function renderStatus(record: ContainerRecord, nowMs: number): string {
  switch (record.status) {
    case "running":
      return `Up ${renderDuration(nowMs - (record.startedAtMs ?? nowMs))}${renderHealth(record)}`;
    case "paused":
      return `Up ${renderDuration(nowMs - (record.startedAtMs ?? nowMs))} (Paused)`;
    case "restarting":
      return `Restarting (${record.exitCode}) ${renderAgo(record.finishedAtMs, nowMs)}`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    case "created":
      return "Created";
    case "exited":
      return `Exited (${record.exitCode}) ${renderAgo(record.finishedAtMs, nowMs)}`;
  }
}

function renderHealth({ health }: ContainerRecord): string {
  if (health === undefined) return "";
  return health.status === "starting" ? " (health: starting)" : ` (${health.status})`;
}

/** `2 hours ago`. */
export function renderAgo(thenMs: number | undefined, nowMs: number): string {
  return `${renderDuration(nowMs - (thenMs ?? nowMs))} ago`;
}

/** The COMMAND column: quoted, and cut to 20 characters unless `noTrunc`. */
export function renderCommand(args: readonly string[], noTrunc: boolean): string {
  const text = args.join(" ");
  if (noTrunc) return JSON.stringify(text);
  return JSON.stringify(text.length > 20 ? `${text.slice(0, 19)}…` : text);
}

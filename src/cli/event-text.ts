/**
 * An event as docker shows it: a line, or an object for `json` and templates; and whether filters let it through. Pure.
 */
import type { EventRecord } from "../engine/watch-events.ts";
import { matchesExactly, matchesLabels } from "./filter-match.ts";
import type { Filters } from "./filter-option.ts";
import { goMap } from "./template/go-value.ts";

const objectFilters = [
  "config",
  "container",
  "daemon",
  "network",
  "node",
  "plugin",
  "secret",
  "service",
  "volume",
] as const;

/** docker's, of kinds that are not here too. */
export const eventFilters: readonly string[] = [...objectFilters, "event", "image", "label", "scope", "type"];

/** `2026-01-02T15:04:05.123000000+01:00 container start ID (image=alpine, name=web)`. */
export function renderEvent({ timeMs, type, action, id, attributes }: EventRecord): string {
  const words = Object.keys(attributes)
    .sort()
    .map((key) => `${key}=${attributes[key]}`);
  const about = words.length === 0 ? "" : ` (${words.join(", ")})`;
  return `${renderLocalTime(timeMs)} ${type} ${action} ${id}${about}`;
}

/** docker's events.Message, deprecated keys of containers and images included. */
export function eventObject({ timeMs, type, action, id, attributes }: EventRecord): Record<string, unknown> {
  const from = attributes.image === undefined ? {} : { from: attributes.image };
  return {
    ...(type === "container" || type === "image" ? { status: action, id, ...from } : {}),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: "local",
    time: Math.floor(timeMs / 1000),
    timeNano: Math.round(timeMs) * 1_000_000,
  };
}

/** The same as templates name it: fields of Go's struct. */
export function eventFields(event: EventRecord): Record<string, unknown> {
  const { timeMs, type, action, id, attributes } = event;
  return {
    Status: action,
    ID: id,
    From: attributes.image ?? "",
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: goMap(Object.entries(attributes), "") },
    Scope: "local",
    Time: Math.floor(timeMs / 1000),
    TimeNano: Math.round(timeMs) * 1_000_000,
  };
}

/** docker's ExactMatch and FuzzyMatch: objects go by the beginning of their id or their name. */
export function matchesEvent(filters: Filters, event: EventRecord): boolean {
  return (
    matchesExactly(filters, "type", event.type) &&
    matchesExactly(filters, "scope", "local") &&
    matchesAction(filters, event.action) &&
    objectFilters.every((key) => matchesObject(filters, key, event)) &&
    matchesImage(filters, event) &&
    matchesLabels(filters, event.attributes)
  );
}

/** `exec_create` stands for `exec_create: sh -c …`. */
function matchesAction(filters: Filters, action: string): boolean {
  return (
    matchesExactly(filters, "event", action) || matchesExactly(filters, "event", action.split(":")[0] ?? "")
  );
}

/** docker does not look at the event's type: `container=web` lets through what is called web2, and a volume webdata too. */
function matchesObject(filters: Filters, key: string, { id, attributes }: EventRecord): boolean {
  const { name = "" } = attributes;
  return filters.get(key)?.some((value) => id.startsWith(value) || name.startsWith(value)) ?? true;
}

/** With and without the tag, of the image itself and of containers made from it. */
function matchesImage(filters: Filters, event: EventRecord): boolean {
  const wanted = filters.get("image");
  if (wanted === undefined) return true;
  const name = event.type === "image" ? (event.attributes.name ?? event.id) : (event.attributes.image ?? "");
  const names = [event.type === "image" ? event.id : name, name, name.replace(/:[^:/]+$/, "")];
  return wanted.some((value) => names.includes(value));
}

/** Go's RFC3339NanoFixed in the local time zone. */
function renderLocalTime(timeMs: number): string {
  const date = new Date(timeMs);
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 23);
  const two = (value: number) => String(Math.floor(Math.abs(value))).padStart(2, "0");
  const zone = offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`;
  return `${local}000000${zone}`;
}

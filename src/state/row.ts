/**
 * Reading columns whose content somebody else may have written: each is checked, and what does not fit is one
 * clear error that names the column, never a crash further on.
 */
import { BockerError, messageOf } from "../errors.ts";
import type { ProcessIdentity } from "../host/process-identity.ts";
import type { Row } from "./state.ts";

/** A TEXT column. */
export function textColumn(row: Row, column: string): string {
  const value = row[column];
  return typeof value === "string" ? value : foreign(column, "a text is missing");
}

/** An INTEGER column. */
export function numberColumn(row: Row, column: string): number {
  const value = row[column];
  return typeof value === "number" ? value : foreign(column, "a number is missing");
}

/** A TEXT column that may be NULL; spread into a record, so that absent stays absent. */
export function optionalColumn<const Key extends string, Value>(
  row: Row,
  column: string,
  key: Key,
  read: (row: Row, column: string) => Value,
): { readonly [K in Key]?: Value } {
  const value = row[column];
  if (value === null || value === undefined) return {};
  return { [key]: read(row, column) } as { readonly [K in Key]?: Value };
}

/** A JSON column that holds an object. */
export function objectColumn(row: Row, column: string): Readonly<Record<string, unknown>> {
  const value = jsonColumn(row, column);
  return isObject(value) ? value : foreign(column, "not an object");
}

/** A JSON column that holds a list of strings. */
export function stringsColumn(row: Row, column: string): readonly string[] {
  const value = jsonColumn(row, column);
  return Array.isArray(value) && value.every((item) => typeof item === "string")
    ? value
    : foreign(column, "not a list of texts");
}

/** A JSON column that holds an object of strings. */
export function stringMapColumn(row: Row, column: string): Readonly<Record<string, string>> {
  const value = objectColumn(row, column);
  return isStringMap(value) ? value : foreign(column, "not an object of texts");
}

/** A JSON column that holds a ProcessIdentity; see identityText. */
export function identityColumn(row: Row, column: string): ProcessIdentity {
  const { pid, startTicks, bootId } = objectColumn(row, column);
  return typeof pid === "number" && typeof startTicks === "string" && typeof bootId === "string"
    ? { pid, startTicks, bootId }
    : foreign(column, "not a process");
}

/** One text for one process, so that SQL can compare. */
export function identityText({ pid, startTicks, bootId }: ProcessIdentity): string {
  return JSON.stringify({ pid, startTicks, bootId });
}

function jsonColumn(row: Row, column: string): unknown {
  const text = textColumn(row, column);
  try {
    return JSON.parse(text);
  } catch (error) {
    return foreign(column, messageOf(error));
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStringMap(value: Readonly<Record<string, unknown>>): value is Readonly<Record<string, string>> {
  return Object.values(value).every((item) => typeof item === "string");
}

function foreign(column: string, reason: string): never {
  throw new BockerError(`cannot read the state: column "${column}": ${reason}`, { kind: "corrupt" });
}

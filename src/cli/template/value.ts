/**
 * Template values: plain JSON, with `undefined` for what is not there, and what go-value.ts has; their truth, and how Go prints them. Pure.
 */

import { GoObject, GoStringer, GoStruct, NilPointer } from "./go-value.ts";

export type TemplateValue = unknown;

export function isList(value: TemplateValue): value is readonly TemplateValue[] {
  return Array.isArray(value);
}

export function isMap(value: TemplateValue): value is Readonly<Record<string, TemplateValue>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof GoObject);
}

/** Go's template truth: false, 0, "", nil and what is empty are false. */
export function isTruthy(value: TemplateValue): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  if (value instanceof GoObject) return value instanceof GoStruct || Boolean(value.toJSON());
  return Boolean(value);
}

/** Go's nil, of a pointer or of no type. */
export function isNil(value: TemplateValue): boolean {
  return value === undefined || value === null || value instanceof NilPointer;
}

/** fmt's %v: `map[a:1 b:[x y]]`, keys sorted; of a struct `{x y}`, of a pointer in it what it points to. */
export function printValue(value: TemplateValue): string {
  if (isNil(value)) return "<nil>";
  if (value instanceof GoStringer) return value.text;
  if (value instanceof GoStruct) return `{${[...value.fields.values()].map(printValue).join(" ")}}`;
  if (isList(value)) return `[${value.map(printValue).join(" ")}]`;
  if (isMap(value)) {
    const entries = sortedKeys(value).map((key) => `${key}:${printValue(value[key])}`);
    return `map[${entries.join(" ")}]`;
  }
  return typeof value === "number" ? printNumber(value) : String(value);
}

export function sortedKeys(map: Readonly<Record<string, TemplateValue>>): readonly string[] {
  return Object.keys(map).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** Whole numbers in full, others as strconv's shortest 'g'. */
function printNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return BigInt(value).toString();
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

/** What Go calls the type, in messages. */
export function typeName(value: TemplateValue): string {
  if (isNil(value)) return "<nil>";
  if (value instanceof GoStruct) return value.name;
  if (isList(value)) return "[]interface {}";
  if (isMap(value)) return "map[string]interface {}";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  return typeof value === "boolean" ? "bool" : "string";
}

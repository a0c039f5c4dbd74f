/**
 * Functions of templates: Go's built-in ones and docker's (docker/cli templates/templates.go). Pure.
 */
import { zeroOf } from "./go-value.ts";
import { sprint, sprintf } from "./printf.ts";
import { isList, isMap, isNil, isTruthy, printValue, type TemplateValue, typeName } from "./value.ts";

export interface TemplateFunction {
  /** Least and most arguments; absent: any number more. */
  readonly min: number;
  readonly max?: number;
  /** Throws Error(reason), shown as `error calling NAME: reason`. */
  call(args: readonly TemplateValue[]): TemplateValue;
}

/** Thrown for an argument of the wrong type: no `error calling` before it, as in Go. */
export class ArgumentTypeError extends Error {}

const exactly = (count: number, call: TemplateFunction["call"]): TemplateFunction => ({
  min: count,
  max: count,
  call,
});
const atLeast = (count: number, call: TemplateFunction["call"]): TemplateFunction => ({ min: count, call });

/** By name; made on first use. `and` and `or` are here for their names, the evaluator cuts them short. */
export function templateFunctions(): ReadonlyMap<string, TemplateFunction> {
  functions ??= new Map(Object.entries({ ...builtins(), ...comparisons(), ...dockers() }));
  return functions;
}

let functions: ReadonlyMap<string, TemplateFunction> | undefined;

function builtins(): Record<string, TemplateFunction> {
  return {
    and: atLeast(1, (args) => args.find((arg) => !isTruthy(arg)) ?? args.at(-1)),
    or: atLeast(1, (args) => args.find(isTruthy) ?? args.at(-1)),
    not: exactly(1, ([value]) => !isTruthy(value)),
    len: exactly(1, ([value]) => lengthOf(value)),
    index: atLeast(1, ([value, ...keys]) => keys.reduce(indexOnce, value)),
    slice: { min: 1, max: 4, call: ([value, ...bounds]) => sliceOf(value, bounds) },
    print: atLeast(0, sprint),
    println: atLeast(0, (args) => `${args.map(printValue).join(" ")}\n`),
    call: atLeast(1, ([value]) => {
      throw new Error(isNil(value) ? "call of nil" : `non-function of type ${typeName(value)}`);
    }),
    printf: atLeast(1, ([format, ...args]) => sprintf(text(format), args)),
    html: atLeast(0, (args) => sprint(args).replace(/[&<>"'\0]/g, (char) => htmlEscapes[char] ?? char)),
    js: atLeast(0, (args) =>
      JSON.stringify(sprint(args))
        .slice(1, -1)
        .replace(/[<>&='\u2028\u2029]/g, jsEscape),
    ),
    urlquery: atLeast(0, (args) => new URLSearchParams([["", sprint(args)]]).toString().slice(1)),
  };
}

const htmlEscapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
  "\0": "\uFFFD",
};

function jsEscape(char: string): string {
  return char === "'" ? "\\'" : `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function comparisons(): Record<string, TemplateFunction> {
  return {
    eq: atLeast(2, ([first, ...others]) => others.some((other) => isEqual(first, other))),
    ne: exactly(2, ([a, b]) => !isEqual(a, b)),
    lt: exactly(2, ([a, b]) => compare(a, b) < 0),
    le: exactly(2, ([a, b]) => compare(a, b) <= 0),
    gt: exactly(2, ([a, b]) => compare(a, b) > 0),
    ge: exactly(2, ([a, b]) => compare(a, b) >= 0),
  };
}

function dockers(): Record<string, TemplateFunction> {
  return {
    json: exactly(1, ([value]) => JSON.stringify(value ?? null)),
    split: exactly(2, ([value, separator]) => text(value).split(text(separator))),
    join: exactly(2, ([value, separator]) => list(value).map(printValue).join(text(separator))),
    title: exactly(1, ([value]) =>
      text(value).replace(
        /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
        (_, before, letter) => before + String(letter).toUpperCase(),
      ),
    ),
    lower: exactly(1, ([value]) => text(value).toLowerCase()),
    upper: exactly(1, ([value]) => text(value).toUpperCase()),
    pad: exactly(3, ([value, before, after]) => {
      const source = text(value);
      return source === "" ? source : blanks(before) + source + blanks(after);
    }),
    truncate: exactly(2, ([value, length]) => [...text(value)].slice(0, whole(length)).join("")),
  };
}

function text(value: TemplateValue): string {
  if (typeof value === "string") return value;
  throw new ArgumentTypeError(`expected string; found ${printValue(value)}`);
}

function list(value: TemplateValue): readonly TemplateValue[] {
  if (isList(value)) return value;
  throw new ArgumentTypeError(`expected []string; found ${printValue(value)}`);
}

function whole(value: TemplateValue): number {
  if (typeof value === "number" && Number.isInteger(value)) return Math.max(value, 0);
  throw new ArgumentTypeError(`expected integer; found ${printValue(value)}`);
}

/** docker asks for as much memory as it is told to; this is as far as printf goes. */
function blanks(count: TemplateValue): string {
  if (whole(count) > 10_000_000) throw new Error(`too many blanks: ${printValue(count)}`);
  return " ".repeat(whole(count));
}

/** Bytes of a string, as in Go. */
function lengthOf(value: TemplateValue): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (isList(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  throw new Error(isNil(value) ? "len of nil pointer" : `len of type ${typeName(value)}`);
}

function indexOnce(value: TemplateValue, key: TemplateValue): TemplateValue {
  if (isMap(value)) {
    if (typeof key !== "string") throw new Error(`value has type ${typeName(key)}; should be string`);
    return Object.hasOwn(value, key) ? value[key] : zeroOf(value);
  }
  const isText = typeof value === "string";
  if (!isText && !isList(value)) {
    throw new Error(isNil(value) ? "index of untyped nil" : `can't index item of type ${typeName(value)}`);
  }
  if (typeof key !== "number") throw new Error(`cannot index slice/array with type ${typeName(key)}`);
  const bytes = isText ? Buffer.from(value) : value;
  if (key < 0 || key > bytes.length) throw new Error(`index out of range: ${key}`);
  // Go's own check lets this one through, and the next layer finds it.
  if (key === bytes.length) throw new Error(`reflect: ${isText ? "string" : "slice"} index out of range`);
  return bytes[key];
}

function sliceOf(value: TemplateValue, bounds: readonly TemplateValue[]): TemplateValue {
  const isText = typeof value === "string";
  if (!isText && !isList(value)) throw new Error(`can't slice item of type ${typeName(value)}`);
  const bytes = isText ? Buffer.from(value) : value;
  const [from = 0, to = bytes.length] = bounds.map((bound) => {
    if (typeof bound !== "number") throw new Error(`cannot index slice/array with type ${typeName(bound)}`);
    if (bound < 0 || bound > bytes.length) throw new Error(`index out of range: ${bound}`);
    return bound;
  });
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`);
  return isText ? Buffer.from(value).subarray(from, to).toString() : value.slice(from, to);
}

function isEqual(a: TemplateValue, b: TemplateValue): boolean {
  if (isNil(a) || isNil(b)) return isNil(a) === isNil(b);
  if (typeof a === "object" || typeof b === "object") throw new Error("non-comparable type");
  if (typeof a !== typeof b) throw new Error("incompatible types for comparison");
  return a === b;
}

function compare(a: TemplateValue, b: TemplateValue): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  const isOrdered = (value: TemplateValue) => typeof value === "number" || typeof value === "string";
  throw new Error(
    isOrdered(a) && isOrdered(b) ? "incompatible types for comparison" : "invalid type for comparison",
  );
}

/**
 * Go's fmt.Sprintf and Sprint for template values. Pure. https://pkg.go.dev/fmt
 */
import { GoStringer } from "./go-value.ts";
import { isList, printValue, type TemplateValue, typeName } from "./value.ts";

interface Verb {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly letter: string;
}

/** Go stops reading a format at a number of more digits than it takes: what follows is lost. */
const largestNumber = 10_000_009;

const verbPattern = /%([-+# 0]*)(\d*)(?:\.(\d*))?(.)?/gsu;

/** fmt.Sprintf; mistakes show as Go shows them: `%!d(string=x)`, `%!d(MISSING)`, `%!(EXTRA int=1)`. */
export function sprintf(format: string, values: readonly TemplateValue[]): string {
  let used = 0;
  const text = readablePart(format).replace(
    verbPattern,
    (_, flags: string, width: string, precision: string | undefined, letter) => {
      if (letter === undefined) return "%!(NOVERB)";
      if (letter === "%") return "%";
      if (used >= values.length) return `%!${letter}(MISSING)`;
      const value = values[used++];
      const verb = {
        flags,
        width: Number(width),
        precision: precision === undefined ? undefined : Number(precision),
        letter,
      };
      return pad(renderVerb(verb, plainValue(value, letter)), verb, typeof value === "number");
    },
  );
  if (used >= values.length) return text;
  const extra = values.slice(used).map((value) => `${typeName(value)}=${printValue(value)}`);
  return `${text}%!(EXTRA ${extra.join(", ")})`;
}

/** The format up to a width or precision that is too large, which is then a % without a verb. */
function readablePart(format: string): string {
  for (const { index, 2: width, 3: precision = "" } of format.matchAll(verbPattern)) {
    if (Number(width) > largestNumber || Number(precision) > largestNumber)
      return `${format.slice(0, index)}%`;
  }
  return format;
}

/** fmt.Sprint: a space between two values when neither is a string. */
export function sprint(values: readonly TemplateValue[]): string {
  return values
    .map((value, index) => {
      const before = values[index - 1];
      const isParted = index > 0 && typeof value !== "string" && typeof before !== "string";
      return `${isParted ? " " : ""}${printValue(value)}`;
    })
    .join("");
}

function renderVerb(verb: Verb, value: TemplateValue): string {
  const { letter } = verb;
  if (letter === "v")
    return verb.flags.includes("#") ? JSON.stringify(value ?? null) : cut(printValue(value), verb);
  if (letter === "T") return typeName(value);
  if (letter === "t" && typeof value === "boolean") return String(value);
  if ("sqxX".includes(letter) && typeof value === "string") return renderText(verb, value);
  if ("sq".includes(letter) && isList(value)) {
    return `[${value.map((each) => renderVerb(verb, each)).join(" ")}]`;
  }
  if (typeof value === "number") {
    const number = renderNumber(verb, value);
    if (number !== undefined) return verb.flags.includes("+") && value >= 0 ? `+${number}` : number;
  }
  if (letter === "s" && typeof value === "object" && value !== null) return printValue(value);
  return `%!${letter}(${typeName(value)}=${printValue(value)})`;
}

/** Verbs for strings call the String method, the others see what is there. */
function plainValue(value: TemplateValue, letter: string): TemplateValue {
  if (!(value instanceof GoStringer)) return value;
  return "svqxX".includes(letter) ? value.text : value.toJSON();
}

function renderText(verb: Verb, value: string): string {
  const text = cut(value, verb);
  if (verb.letter === "s") return text;
  if (verb.letter === "q") return JSON.stringify(text);
  const hex = Buffer.from(text).toString("hex");
  return verb.letter === "X" ? hex.toUpperCase() : hex;
}

function cut(text: string, { precision }: Verb): string {
  return precision === undefined ? text : [...text].slice(0, precision).join("");
}

function renderNumber({ letter, precision }: Verb, value: number): string | undefined {
  if ("eEfFgG".includes(letter)) {
    // Go formats an int with %f as a mistake; JSON does not tell 1 from 1.0, so the number is shown.
    if (letter === "e" || letter === "E") return renderExponential(value, precision ?? 6);
    return letter === "g" || letter === "G" ? printValue(value) : renderFixed(value, precision ?? 6);
  }
  if (!Number.isInteger(value)) return undefined;
  if (letter === "d") return BigInt(value).toString();
  if (letter === "c") return value < 0 || value > 0x10ffff ? "\uFFFD" : String.fromCodePoint(value);
  const radix = { x: 16, X: 16, o: 8, b: 2 }[letter];
  if (radix === undefined) return undefined;
  const digits = BigInt(value).toString(radix);
  return letter === "X" ? digits.toUpperCase() : digits;
}

/** JavaScript knows a hundred digits after the point; a number of JSON has nothing but zeros behind those. */
const mostDigits = 100;

function renderFixed(value: number, precision: number): string {
  const digits = value.toFixed(Math.min(precision, mostDigits));
  return digits + "0".repeat(Math.max(precision - mostDigits, 0));
}

function renderExponential(value: number, precision: number): string {
  const [digits = "", power = ""] = value.toExponential(Math.min(precision, mostDigits)).split("e");
  return `${digits}${"0".repeat(Math.max(precision - mostDigits, 0))}e${power.replace(/^([+-])(\d)$/, "$10$2")}`;
}

function pad(text: string, { flags, width }: Verb, isNumber: boolean): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes("-")) return text + " ".repeat(missing);
  if (flags.includes("0") && isNumber) return text.replace(/^([+-]?)/, `$1${"0".repeat(missing)}`);
  return " ".repeat(missing) + text;
}

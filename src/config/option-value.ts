/**
 * Reads the values of options: booleans, integers, sizes and decimals as Go's strconv and docker's go-units do.
 *
 * Pure. Every function throws a plain Error whose message is the reason alone, in Go's words; the caller says which
 * option and which file or command line it was.
 */
import type { OptionKind } from "./option-spec.ts";

/** Throws Error(reason) where a value of this kind cannot read `text`. */
export function checkKind(kind: OptionKind, text: string): void {
  if (kind === "boolean") parseGoBoolean(text);
  else if (kind === "int") parseGoInt(text);
  else if (kind === "bytes") parseBytes(text);
  else if (kind === "decimal") parseNanoDecimal(text);
}

/** strconv.ParseBool. */
export function parseGoBoolean(text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** strconv.ParseInt(text, base 0, 64 bits): `0x10`, `0o17` and `017` too. */
export function parseGoInt(text: string): number {
  const problem = (reason: string) =>
    new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${reason}`);
  if (!/^[+-]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)$/.test(text))
    throw problem("invalid syntax");
  const digits = text.replace(/^[+-]/, "").replace(/^0([0-7])/, "0o$1");
  const value = BigInt(digits) * (text.startsWith("-") ? -1n : 1n);
  if (BigInt.asIntN(64, value) !== value) throw problem("value out of range");
  return Number(value);
}

const sizeUnits = "kmgtp";

/** go-units' RAMInBytes: `512`, `64m`, `1.5g`, `2GiB`; units are powers of 1024. */
export function parseBytes(text: string): number {
  const separator = /.*[0-9. ]/s.exec(text)?.[0].length ?? 0;
  if (separator === 0) throw new Error(`invalid size: '${text}'`);
  const size = parseGoFloat(text.slice(0, text[separator - 1] === " " ? separator - 1 : separator));
  if (size < 0) throw new Error(`invalid size: '${text}'`);
  const bytes = Math.trunc(size * sizeFactor(text.slice(separator)));
  if (bytes > Number.MAX_SAFE_INTEGER) throw new Error(`invalid size: '${text}'`);
  return bytes;
}

function sizeFactor(suffix: string): number {
  const lower = suffix.toLowerCase();
  if (lower === "" || lower === "b") return 1;
  const power = sizeUnits.indexOf(lower.charAt(0)) + 1;
  const rest = lower.slice(1);
  if (power === 0 || (rest !== "" && rest !== "b" && rest !== "ib"))
    throw new Error(`invalid suffix: '${lower}'`);
  return 1024 ** power;
}

function parseGoFloat(text: string): number {
  if (/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(text)) return Number(text);
  throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** A size in the largest unit that keeps it exact: 67108864 to `64m`. Reads back by parseBytes. */
export function renderBytes(bytes: number): string {
  let value = bytes;
  let power = 0;
  while (value !== 0 && value % 1024 === 0 && power < 3) {
    value /= 1024;
    power += 1;
  }
  return power === 0 ? String(bytes) : `${value}${sizeUnits.charAt(power - 1)}`;
}

/** `--memory-swap`: a size, or -1 for no limit. */
export function parseSwapBytes(text: string): number {
  return text === "-1" ? -1 : parseBytes(text);
}

/** docker's NanoCPUs: `1.5`, `1e-1` or `1/2` in thousand-millionths. */
export function parseNanoDecimal(text: string): number {
  const match = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?(?:\/([0-9]+))?$/.exec(text);
  const [, sign = "", whole = "", fraction = "", exponent = "0", divisor] = match ?? [];
  const isFraction = divisor !== undefined;
  const failed =
    !match || whole + fraction === "" || (isFraction && /[.eE]/.test(text)) || Number(divisor) === 0;
  if (failed) throw new Error(`failed to parse ${text} as a rational number`);
  const shift = 9 + Number(exponent) - fraction.length;
  const numerator = BigInt(whole + fraction) * 10n ** BigInt(Math.max(shift, 0));
  const denominator = BigInt(divisor ?? 1) * 10n ** BigInt(Math.max(-shift, 0));
  if (numerator % denominator !== 0n) throw new Error("value is too precise");
  const nano = Number(numerator / denominator);
  return sign === "-" ? -nano : nano;
}

/** Nano-units as a decimal that parseNanoDecimal reads back: 1500000000 to `1.5`. */
export function renderNanoDecimal(nano: number): string {
  const digits = String(Math.abs(nano)).padStart(10, "0");
  const fraction = digits.slice(-9).replace(/0+$/, "");
  return `${nano < 0 ? "-" : ""}${digits.slice(0, -9)}${fraction === "" ? "" : `.${fraction}`}`;
}

/** go-units' FromHumanSize, which docker reads `--log-opt max-size` with: units are powers of 1000. */
export function parseDecimalBytes(text: string): number {
  const unit = /([kmgtp])i?b?$/i.exec(text)?.[1]?.toLowerCase() ?? "";
  const power = sizeUnits.indexOf(unit || "-") + 1;
  return Math.trunc((parseBytes(text) / 1024 ** power) * 1000 ** power);
}

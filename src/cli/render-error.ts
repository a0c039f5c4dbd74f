/**
 * The only place where an error becomes text: message, `caused by:` lines, `hint:` line; the stack with --debug.
 *
 * Pure. The usage lines that follow a UsageError are main-loop.ts's; what an error means for the exit code is here.
 */
import { BockerError, ExitCode, messageOf } from "../errors.ts";
import { printable } from "./printable.ts";
import { UsageError } from "./usage-error.ts";

export interface ErrorStyle {
  /** Put before the message: `bocker: ` for run and create, `Error: ` for the rest. */
  readonly prefix: string;
  readonly debug: boolean;
  /** picocolors', where standard error is a terminal and NO_COLOR is not set; absent: plain text. */
  readonly colors?: { red(text: string): string; cyan(text: string): string };
}

/** One or more lines, each ended; control characters of the message are shown escaped. */
export function renderError(thrown: unknown, style: ErrorStyle): string {
  const { red, cyan } = style.colors ?? { red: String, cyan: String };
  const prefix = thrown instanceof UsageError && thrown.form === "flag" ? "" : style.prefix;
  const lines = [`${red(prefix)}${printable(messageOf(thrown))}`];
  for (const cause of causesOf(thrown)) lines.push(`  caused by: ${printable(cause)}`);
  if (thrown instanceof BockerError && thrown.hint)
    lines.push(`  ${cyan("hint:")} ${printable(thrown.hint)}`);
  if (style.debug || !isExpected(thrown)) lines.push(...stackOf(thrown));
  return `${lines.join("\n")}\n`;
}

/** The error's own exit code, else the command's. */
export function exitCodeOf(thrown: unknown, failureCode: number = ExitCode.failure): number {
  return thrown instanceof BockerError && thrown.exitCode !== undefined ? thrown.exitCode : failureCode;
}

/** Messages of the chain of causes, without those that the one before already quotes. */
function causesOf(thrown: unknown): readonly string[] {
  const causes: string[] = [];
  const seen = new Set<unknown>([thrown]);
  let above = messageOf(thrown);
  let cause = thrown instanceof Error ? thrown.cause : undefined;
  while (cause !== undefined && cause !== null && !seen.has(cause)) {
    seen.add(cause);
    const message = messageOf(cause);
    if (message !== "" && !above.includes(message)) causes.push(message);
    above = message;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

/** A BockerError, or an error of the system that says what it is (SyscallError, ENOENT …); the rest are bugs. */
function isExpected(thrown: unknown): boolean {
  return (
    thrown instanceof BockerError || (thrown instanceof Error && ("errno" in thrown || "code" in thrown))
  );
}

function stackOf(thrown: unknown): readonly string[] {
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  return stack === undefined ? [] : stack.split("\n").map((line) => `  ${line.trim()}`);
}

/**
 * The one error base class of bocker, and the exit codes docker's users know.
 *
 * Layers add what they were doing to which object and keep the machine's reason as `cause`.
 * Rendering (message, `caused by:`, `hint:`) happens in src/cli only. Subclasses exist only where
 * somebody catches them. Imports nothing.
 */

/** Exit codes of docker's CLI for `run`, `create`, `start` and `exec`. */
export const ExitCode = {
  /** Any failed command that is not run/create/start -a, and usage errors. */
  failure: 1,
  /** The engine itself failed before the command could run. */
  engine: 125,
  /** The command was found and could not be executed. */
  cannotExecute: 126,
  /** The command was not found. */
  notFound: 127,
  /** Added to a signal's number. */
  signalBase: 128,
  /** What SIGPIPE leaves: nobody reads the output any more. */
  brokenPipe: 141,
} as const;

/** A stable, grep-able word for what went wrong; `--format json` errors show it. */
export type ErrorKind =
  | "usage"
  | "invalid-reference"
  | "invalid-config"
  | "not-found"
  | "conflict"
  | "in-use"
  | "unauthorized"
  | "unreachable"
  | "corrupt"
  | "unsupported"
  | "permission"
  | "not-running"
  | "timeout"
  | "cancelled"
  | "command-not-found"
  | "command-not-executable"
  | "host"
  | "internal";

export interface ErrorOptions {
  readonly kind?: ErrorKind;
  /** Overrides the command's usual exit code (126, 127, 125…). */
  readonly exitCode?: number;
  /** One line: what the user can do. Never repeats the message. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Plain data for machine output. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * An error whose message is fit for a user: one line, values in quotes, action before the colon,
 * reason after it (`cannot pull "alpine:9": manifest unknown`).
 */
export class BockerError extends Error {
  readonly kind: ErrorKind;
  readonly exitCode: number | undefined;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "BockerError";
    this.kind = options.kind ?? "internal";
    this.exitCode = options.exitCode;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** The message of anything that was thrown, on one line. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

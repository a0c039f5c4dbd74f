/**
 * The error for words on the command line that make no sense; main-loop.ts catches it and adds the usage.
 */
import { BockerError, ExitCode } from "../errors.ts";

/**
 * Which of docker's forms it is shown in: `flag` (no prefix, usage line), `arguments` (prefix, usage line),
 * `value` (prefix, no usage line: an option that was well-formed and cannot be).
 */
export type UsageErrorForm = "flag" | "arguments" | "value";

/** Exit codes as docker 28: 125 for a bad flag or value of any command, 1 for a wrong number of arguments. */
export class UsageError extends BockerError {
  constructor(
    message: string,
    readonly form: UsageErrorForm,
    hint?: string,
  ) {
    super(message, {
      kind: "usage",
      exitCode: form === "arguments" ? ExitCode.failure : ExitCode.engine,
      ...(hint === undefined ? {} : { hint }),
    });
    this.name = "UsageError";
  }
}

/**
 * The error for words on the command line that make no sense; main-loop.ts catches it and adds the usage.
 */
import { BockerError, ExitCode } from "../errors.ts";

/**
 * Which of docker's forms it is shown in: `flag` (no prefix, usage line), `arguments` (the command before it, usage
 * line), `command` (there is none such, no usage line). Values that cannot be are plain BockerErrors of kind "usage".
 */
export type UsageErrorForm = "flag" | "arguments" | "command";

/** Exit codes as docker 28: 125 for a bad flag of any command, 1 for the rest. */
export class UsageError extends BockerError {
  constructor(
    message: string,
    readonly form: UsageErrorForm,
    hint?: string,
  ) {
    super(message, {
      kind: "usage",
      exitCode: form === "flag" ? ExitCode.engine : ExitCode.failure,
      ...(hint === undefined ? {} : { hint }),
    });
    this.name = "UsageError";
  }
}

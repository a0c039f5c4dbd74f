/**
 * Commands that do one thing to each of several containers: stop, kill, start, rm.
 *
 * docker's manner: every name is tried, what worked is printed as it was given, each failure is a line on
 * stderr, and one failure makes the exit code 1.
 */
import { ExitCode } from "../../errors.ts";
import type { CommandContext } from "../command-spec.ts";
import { renderError } from "../render-error.ts";

/** Runs `action` for every name at once; prints in the order given. */
export async function forEachContainer(
  context: CommandContext,
  names: readonly string[],
  action: (name: string) => Promise<void>,
  options: {
    readonly isTolerated?: (error: unknown) => boolean;
    /** Not even told. */
    readonly isIgnored?: (error: unknown) => boolean;
  } = {},
): Promise<number> {
  const outcomes = await Promise.allSettled(names.map(action));
  let exitCode = 0;
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === "fulfilled") {
      context.out.write(`${names[index]}\n`);
    } else if (options.isIgnored?.(outcome.reason) !== true) {
      if (options.isTolerated?.(outcome.reason) !== true) exitCode = ExitCode.failure;
      context.err.write(
        renderError(outcome.reason, {
          prefix: "Error: ",
          debug: context.global.debug,
        }),
      );
    }
  }
  return exitCode;
}

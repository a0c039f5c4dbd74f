/**
 * Showing the pull that run and create do on the way: on stderr, and only when there is one.
 */

import type { PullEvent } from "../engine/pull-event.ts";
import type { ResolveImageOptions } from "../engine/resolve-image.ts";
import type { CommandContext, Output } from "./command-spec.ts";
import type { PullOutput } from "./pull-progress.ts";

/** Nothing with --quiet. The renderer is loaded with the first event. */
export function pullReporter(context: CommandContext, quiet: boolean): ResolveImageOptions {
  if (quiet) return { onMissing: () => undefined, onProgress: () => undefined };
  let show: ((event: PullEvent) => void) | undefined;
  return {
    onMissing: (name) => context.err.write(`Unable to find image '${name}' locally\n`),
    onProgress: (event) => {
      show ??= loadRenderer(context);
      show(event);
    },
  };
}

function loadRenderer(context: CommandContext): (event: PullEvent) => void {
  const { createPullProgress } = require("./pull-progress.ts") as typeof import("./pull-progress.ts");
  return createPullProgress(pullOutputOf(context.err));
}

/** What the pull renderer takes. */
export function pullOutputOf(output: Output): PullOutput {
  return { write: (text) => output.write(text), isTTY: output.isTerminal, columns: output.columns };
}

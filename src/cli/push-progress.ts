/**
 * Shows a push: docker's live lines with bars on a terminal, plain lines elsewhere.
 */
import type { PushEvent } from "../engine/push-event.ts";
import { createLayerLines, type PullOutput } from "./pull-progress.ts";

/** A renderer for `PushOptions.onProgress`. */
export function createPushProgress(
  output: PullOutput,
  nowMs = () => performance.now(),
): (event: PushEvent) => void {
  let showLayer = createLayerLines(output, nowMs);
  return (event) => {
    if (event.kind === "layer") {
      showLayer(event);
      return;
    }
    output.write(`${renderPushLine(event)}\n`);
    // The lines of the next tag begin under this one.
    if (event.kind === "digest") showLayer = createLayerLines(output, nowMs);
  };
}

/** One line about the whole push. Pure. */
function renderPushLine(event: Exclude<PushEvent, { kind: "layer" }>): string {
  if (event.kind === "repository") return `The push refers to repository [${event.name}]`;
  return `${event.tag}: digest: ${event.digest} size: ${event.sizeBytes}`;
}

/**
 * One live line that says how far a long reading or writing has got: on a terminal only, and gone at the end.
 */
import type { Output } from "./command-spec.ts";
import { renderSize } from "./table.ts";

const redrawMs = 100;
const clearLine = "\r\x1b[2K";

export interface ByteProgress {
  /** `totalBytes` where it is known. */
  show(doneBytes: number, totalBytes?: number): void;
  /** Takes the line away; to be called before anything else is written, and at the end. */
  clear(): void;
}

/** `Loading  12.3MB/1.2GB`, at most ten times a second. Does nothing where `output` is no terminal, or `quiet`. */
export function byteProgress(
  output: Output,
  verb: string,
  quiet: boolean,
  nowMs = () => performance.now(),
): ByteProgress {
  if (quiet || !output.isTerminal) return { show: () => undefined, clear: () => undefined };
  let drawnAtMs = nowMs();
  let isShown = false;
  return {
    show(doneBytes, totalBytes) {
      if (nowMs() - drawnAtMs < redrawMs) return;
      drawnAtMs = nowMs();
      isShown = true;
      const total = totalBytes === undefined ? "" : `/${renderSize(totalBytes)}`;
      output.write(
        `${clearLine}${verb} ${renderSize(doneBytes)}${total}`.slice(0, output.columns + clearLine.length),
      );
    },
    clear() {
      if (isShown) output.write(clearLine);
      isShown = false;
    },
  };
}

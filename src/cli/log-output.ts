/**
 * Log entries to the user's stdout and stderr, bytes as they were written.
 */
import type { LogEntry } from "../engine/container-logs.ts";
import { openOutput } from "../terminal/output-target.ts";

/** Copies until the batches end, at the pace of the reader; a reader that leaves ends it too. */
export async function copyLog(
  batches: AsyncIterable<readonly LogEntry[]>,
  options: { readonly timestamps: boolean },
): Promise<void> {
  const targets = { stdout: openOutput(1), stderr: openOutput(2) };
  try {
    for await (const batch of batches) {
      for (const [stream, text] of runsOf(batch, options.timestamps)) await targets[stream].write(text);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  } finally {
    targets.stdout.close();
    targets.stderr.close();
  }
}

type Run = readonly ["stdout" | "stderr", Uint8Array];

/** Neighbours of one stream are one write. */
function runsOf(batch: readonly LogEntry[], timestamps: boolean): readonly Run[] {
  const runs: [LogEntry["stream"], string[]][] = [];
  for (const entry of batch) {
    const text = timestamps ? `${entry.time} ${entry.text}` : entry.text;
    const last = runs.at(-1);
    if (last?.[0] === entry.stream) last[1].push(text);
    else runs.push([entry.stream, [text]]);
  }
  return runs.map(([stream, texts]) => [stream, Buffer.from(texts.join(""))]);
}

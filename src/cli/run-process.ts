/**
 * The command line with this process's own arguments, environment and streams.
 */
import { bockerVersion } from "../engine/version.ts";
import { runCli } from "./main-loop.ts";
import { processOutput } from "./process-output.ts";

/** Resolves to the exit code; main.ts ends the process with it. */
export function runProcess(argv: readonly string[]): Promise<number> {
  const [out, err] = [processOutput(1), processOutput(2)];
  return runCli({ argv, env: process.env, out, err, version: bockerVersion() });
}

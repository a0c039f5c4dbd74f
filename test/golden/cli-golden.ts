/** Runs a command line against the real command table, in memory. */
import type { Output } from "../../src/cli/command-spec.ts";
import { runCli } from "../../src/cli/main-loop.ts";

export interface CliOutcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** For lines that end before any engine is opened: help and usage errors. */
export async function runInMemory(argv: readonly string[]): Promise<CliOutcome> {
  const written = { out: "", err: "" };
  const output = (key: "out" | "err"): Output => ({
    write: (text) => {
      written[key] += text;
    },
    isTerminal: false,
    columns: 80,
  });
  const env = { BOCKER_ROOT: "/nonexistent/bocker", BOCKER_RUN: "/nonexistent/bocker-run" };
  const code = await runCli({ argv, env, out: output("out"), err: output("err"), version: "0.0.0" });
  return { code, ...written };
}

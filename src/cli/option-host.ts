/**
 * The machine as options of run see it: environment, working directory, files.
 */
import type { OptionHost } from "../config/run-option.ts";
import { readBounded } from "../host/read-bounded.ts";
import type { CommandContext } from "./command-spec.ts";

/** `--env NAME`, relative paths and `--env-file` look here. */
export function optionHostOf(context: CommandContext): OptionHost {
  return { env: context.env, cwd: process.cwd(), readFile: (path) => readBounded(path) };
}

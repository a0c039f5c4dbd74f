/** `--retry` and `--retry-delay`: how often a build asks a registry again. */

import type { EngineSettings } from "../../config/engine-settings.ts";
import { messageOf } from "../../errors.ts";
import { parseDuration } from "../../image/duration.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { usage } from "./refused-option.ts";

export interface Retries {
  /** After the first; undefined: as the engine does. */
  readonly count: number | undefined;
  readonly delayMs: number | undefined;
}

/** Throws kind `usage`. */
export function readRetries(parsed: ParsedArguments): Retries {
  const count = parsed.int("retry");
  if (count !== undefined && count < 0) throw usage(`invalid --retry ${count}: it cannot be negative`);
  const delay = parsed.string("retry-delay") || undefined;
  try {
    return { count, delayMs: delay === undefined ? undefined : parseDuration(delay) / 1_000_000 };
  } catch (error) {
    throw usage(`invalid --retry-delay ${JSON.stringify(delay)}: ${messageOf(error)}`);
  }
}

export function withRetries(
  registries: EngineSettings["registries"],
  { count, delayMs }: Retries,
): EngineSettings["registries"] {
  const { timing } = registries;
  return {
    ...registries,
    timing: {
      ...timing,
      attempts: count === undefined ? timing.attempts : count + 1,
      backoffMs: delayMs ?? timing.backoffMs,
    },
  };
}

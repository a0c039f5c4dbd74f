/**
 * `--ulimit NAME=SOFT[:HARD]`, and back. Pure. Phrases: docker's go-units ulimit.go.
 */
import { rlimitNames } from "../security/rlimit.ts";
import type { UlimitConfig } from "./container-config.ts";
import { parseGoInt } from "./option-value.ts";

/** Throws Error(reason), as pflag's Set. */
export function parseUlimit(text: string): UlimitConfig {
  const equals = text.indexOf("=");
  if (equals < 0) throw new Error(`invalid ulimit argument: ${text}`);
  const name = text.slice(0, equals);
  const limits = text.slice(equals + 1);
  if (!rlimitNames.some((known) => known === name && known !== "as"))
    throw new Error(`invalid ulimit type: ${name}`);
  const [softText = "", hardText = softText, ...more] = limits.split(":");
  if (more.length > 0) {
    throw new Error(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``);
  }
  const soft = parseLimit(softText);
  const hard = parseLimit(hardText);
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { name, soft, hard };
}

function parseLimit(text: string): number {
  const value = parseGoInt(text);
  if (value < -1 || !Number.isSafeInteger(value)) throw new Error(`invalid ulimit value: ${text}`);
  return value;
}

export function renderUlimit(ulimit: UlimitConfig): string {
  return `${ulimit.name}=${ulimit.soft}:${ulimit.hard}`;
}

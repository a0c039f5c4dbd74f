/**
 * The HEALTHCHECK instruction: `[--interval=30s …] CMD words`, `CMD ["list"]`, or `NONE`. Pure.
 * https://docs.docker.com/reference/dockerfile/#healthcheck
 */
import { messageOf } from "../errors.ts";
import { malformed, parseJsonWords } from "./change-words.ts";
import { parseDuration } from "./duration.ts";
import type { ImageHealthcheck, ImageProcessConfig } from "./image-config.ts";

const durations = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
} as const;

/** Throws docker's phrases for what the instruction cannot be. */
export function parseHealthcheckChange(config: ImageProcessConfig, text: string): ImageHealthcheck {
  let rest = text;
  let check: ImageHealthcheck = {};
  for (let flag = nextFlag(rest); flag !== undefined; flag = nextFlag(rest)) {
    check = { ...check, ...parseFlag(flag.name, flag.value) };
    rest = flag.rest;
  }
  const [kind = ""] = rest.split(/\s/, 1);
  const command = rest.slice(kind.length).trim();
  if (kind.toUpperCase() === "NONE") {
    if (command !== "") throw malformed("HEALTHCHECK NONE takes no arguments");
    return { Test: ["NONE"] };
  }
  if (kind.toUpperCase() !== "CMD") throw malformed(`unknown type "${kind}" in HEALTHCHECK (try CMD)`);
  if (command === "") throw malformed("missing command after HEALTHCHECK CMD");
  const words = parseJsonWords(command);
  if (words !== undefined) return { Test: ["CMD", ...words], ...check };
  const shell = config.Shell;
  return { Test: shell === undefined ? ["CMD-SHELL", command] : ["CMD", ...shell, command], ...check };
}

function nextFlag(text: string): { name: string; value: string; rest: string } | undefined {
  const [whole, name, value] = /^--([a-z-]+)(?:=(\S*))?\s*/.exec(text) ?? [];
  if (whole === undefined || name === undefined) return undefined;
  if (value === undefined) throw malformed(`missing a value on flag: ${name}`);
  return { name, value, rest: text.slice(whole.length) };
}

function parseFlag(name: string, value: string): ImageHealthcheck {
  if (name === "retries") {
    if (!/^\d{1,9}$/.test(value)) throw malformed(`invalid value "${value}" for --retries`);
    return { Retries: Number(value) };
  }
  if (!Object.hasOwn(durations, name)) throw malformed(`unknown flag: ${name}`);
  return { [durations[name as keyof typeof durations]]: parseInterval(name, value) };
}

/** Nanoseconds; at least one millisecond, or zero for docker's default. */
function parseInterval(name: string, value: string): number {
  let ns: number;
  try {
    ns = parseDuration(value);
  } catch (error) {
    throw malformed(messageOf(error));
  }
  if (ns !== 0 && ns < 1e6) throw malformed(`Interval "${name}" cannot be less than 1ms`);
  return ns;
}

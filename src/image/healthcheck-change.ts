/**
 * The HEALTHCHECK instruction: `[--interval=30s …] CMD words`, `CMD ["list"]`, or `NONE`. Pure.
 * https://docs.docker.com/reference/dockerfile/#healthcheck
 */
import { malformed, parseJsonWords } from "./change-words.ts";
import type { ImageHealthcheck, ImageProcessConfig } from "./image-config.ts";

const durations = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
} as const;

const unitNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

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
  return { [durations[name as keyof typeof durations]]: parseDuration(name, value) };
}

/** Go's durations: `1m30s`, `1.5h`. Nanoseconds; at least one millisecond, or zero for docker's default. */
function parseDuration(name: string, value: string): number {
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (value !== "0" && (parts.length === 0 || parts.map(([part]) => part).join("") !== value)) {
    throw malformed(`time: invalid duration ${JSON.stringify(value)}`);
  }
  const total = parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (unitNs[unit] ?? 0), 0);
  if (total > 0 && total < 1e6) throw malformed(`Interval "${name}" cannot be less than 1ms`);
  return Math.round(total);
}

/**
 * `HEALTHCHECK [--interval=30s …] CMD command`, or `HEALTHCHECK NONE`. Pure.
 * https://docs.docker.com/reference/dockerfile/#healthcheck
 */

import { messageOf } from "../../errors.ts";
import { parseDuration } from "../../image/duration.ts";
import { DockerfileProblem } from "./dockerfile-error.ts";
import { parseFlags } from "./instruction-flags.ts";
import { plainly, sourceOf, type Words } from "./instruction-words.ts";
import type { HealthcheckInstruction, Location } from "./syntax.ts";
import { parseJsonList } from "./words.ts";

const flagKinds = {
  interval: "string",
  timeout: "string",
  "start-period": "string",
  "start-interval": "string",
  retries: "string",
} as const;

/** Durations become nanoseconds. Throws DockerfileProblem in docker's phrases. */
export function parseHealthcheck(words: Words): HealthcheckInstruction {
  const { line, rest } = words;
  const [type = ""] = rest.split(/\s/, 1);
  const command = rest.slice(type.length).trim();
  const kind = type.toUpperCase();
  if (kind === "") throw new DockerfileProblem("HEALTHCHECK requires at least one argument", line);
  if (kind === "NONE") {
    if (command !== "")
      throw new DockerfileProblem("HEALTHCHECK NONE takes no arguments", line, { word: command });
    return { ...plainly(words), kind: "healthcheck", healthcheck: { Test: ["NONE"] } };
  }
  const flags = parseFlags(words.flags, flagKinds, line);
  if (kind !== "CMD") {
    throw new DockerfileProblem(`Unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`, line, {
      word: type,
    });
  }
  if (command === "") throw new DockerfileProblem("Missing command after HEALTHCHECK CMD", line);
  const list = parseJsonList(command, line);
  if (list?.length === 0) throw new DockerfileProblem("Missing command after HEALTHCHECK CMD", line);
  return {
    ...sourceOf(words),
    kind: "healthcheck",
    healthcheck: {
      Test: list === undefined ? ["CMD-SHELL", command] : ["CMD", ...list],
      ...durationOf("Interval", "interval", flags.interval, line),
      ...durationOf("Timeout", "timeout", flags.timeout, line),
      ...durationOf("StartPeriod", "start-period", flags["start-period"], line),
      ...durationOf("StartInterval", "start-interval", flags["start-interval"], line),
      ...retriesOf(flags.retries, line),
    },
  };
}

/** Nanoseconds; zero and nothing leave docker's default. */
function durationOf<K extends string>(
  key: K,
  flag: string,
  value: string | undefined,
  location: Location,
): Partial<Record<K, number>> {
  if (value === undefined || value === "") return {};
  let ns: number;
  try {
    ns = parseDuration(value);
  } catch (error) {
    throw new DockerfileProblem(messageOf(error), location, { word: `--${flag}` });
  }
  if (ns === 0) return {};
  if (ns < 1e6) {
    throw new DockerfileProblem(`Interval "${flag}" cannot be less than 1ms`, location, {
      word: `--${flag}`,
    });
  }
  const duration: Partial<Record<string, number>> = { [key]: ns };
  return duration as Partial<Record<K, number>>;
}

function retriesOf(value: string | undefined, location: Location): { Retries?: number } {
  if (value === undefined || value === "") return {};
  if (/^-\d+$/.test(value)) {
    throw new DockerfileProblem(`--retries cannot be negative (${value})`, location, { word: "--retries" });
  }
  if (!/^\+?\d{1,9}$/.test(value)) {
    throw new DockerfileProblem(
      `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`,
      location,
      {
        word: "--retries",
      },
    );
  }
  return Number(value) === 0 ? {} : { Retries: Number(value) };
}

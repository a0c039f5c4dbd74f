/**
 * Options of run and create about what becomes of the output. Phrases are docker's (daemon/logger).
 *
 *   json-file   max-size max-file labels labels-regex env env-regex tag mode compress
 *   k8s-file    max-size max-file path                                      podman's, the format of Kubernetes (CRI)
 *   none
 */
import { resolve } from "node:path";
import type { LogConfig } from "../container-config.ts";
import { defaultLogMaxFiles, defaultLogMaxSizeBytes } from "../default-config.ts";
import { EngineRefusal } from "../engine-refusal.ts";
import { checkLogTag } from "../log-tag.ts";
import { parseDecimalBytes, parseGoBoolean, parseGoInt } from "../option-value.ts";
import { listOption, type RunDraft, type RunOption, stringOption } from "../run-option.ts";

type LogOptions = Readonly<Record<string, string>>;

const drivers = ["json-file", "k8s-file", "none"] as const;

export const logOptions: readonly RunOption[] = [
  stringOption(
    { name: "log-driver", help: "Logging driver for the container" },
    (draft, name) => {
      const driver = drivers.find((each) => each === name);
      if (driver === undefined)
        throw new EngineRefusal(`logger: no log driver named '${name}' is registered`);
      draft.config.log.driver = driver;
    },
    (config) => (config.log.driver === "json-file" ? undefined : config.log.driver),
  ),
  {
    ...listOption({ name: "log-opt", help: "Log driver options", toml: "map" }, () => {}),
    apply: (draft, raw, host) => {
      draft.logOptions = typeof raw === "string" ? [raw] : typeof raw === "boolean" ? [] : raw;
      for (const word of draft.logOptions) applyWord(draft, word, host.cwd);
    },
    render: ({ log }) => {
      const words = Object.entries(givenLogOptions(log)).map(([key, value]) => `${key}=${value}`);
      return words.length === 0 ? undefined : words;
    },
  },
];

/** As they were given. A container of an older version has limits only as numbers. */
export function givenLogOptions({ options = {}, maxSizeBytes, maxFiles }: LogConfig): LogOptions {
  return {
    ...(maxSizeBytes === defaultLogMaxSizeBytes ? {} : { "max-size": String(maxSizeBytes) }),
    ...(maxFiles === defaultLogMaxFiles ? {} : { "max-file": String(maxFiles) }),
    ...options,
  };
}

/** Of the driver: is told apart in check-config.ts, where both options are known. */
const checks: Readonly<Record<string, (value: string, cwd: string) => string>> = {
  // What these come to is kept beside them.
  "max-size": String,
  "max-file": String,
  labels: String,
  env: String,
  tag: checkLogTag,
  "labels-regex": checkPattern,
  "env-regex": checkPattern,
  compress: checkCompress,
  mode: checkMode,
  path: checkPath,
};

function applyWord({ config }: RunDraft, word: string, cwd: string): void {
  const equals = word.indexOf("=");
  const key = equals < 0 ? word : word.slice(0, equals);
  const value = equals < 0 ? "" : word.slice(equals + 1);
  const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
  if (key === "max-size") config.log.maxSizeBytes = parseMaxSize(value);
  if (key === "max-file") config.log.maxFiles = parseMaxFile(value);
  if (key === "max-buffer-size") {
    throw new EngineRefusal("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  } else if (check === undefined) {
    throw new EngineRefusal(`unknown log opt '${key}' for ${config.log.driver} log driver`);
  } else config.log.options = { ...config.log.options, [key]: check(value, cwd) };
}

function parseMaxSize(text: string): number {
  return text === "-1" ? -1 : parseDecimalBytes(text);
}

function parseMaxFile(text: string): number {
  const count = parseGoInt(text);
  if (count < 1) throw new EngineRefusal("max-file cannot be less than 1");
  return count;
}

function checkPattern(pattern: string): string {
  try {
    new RegExp(pattern);
  } catch {
    throw new EngineRefusal(`error parsing regexp: ${JSON.stringify(pattern)}`);
  }
  return pattern;
}

/** Files that were rotated stay as they are: a follower that is behind goes on in them. */
function checkCompress(value: string): string {
  if (parseGoBoolean(value))
    throw new Error("compress=true is not supported: rotated logs are not compressed");
  return value;
}

/** A log never holds a container back longer than a write to a file takes; there is no buffer that could be lost. */
function checkMode(value: string): string {
  if (value !== "blocking") throw new EngineRefusal(`logger: logging mode not supported: ${value}`);
  return value;
}

function checkPath(path: string, cwd: string): string {
  if (path === "") throw new Error("log opt 'path' must not be empty");
  return resolve(cwd, path);
}

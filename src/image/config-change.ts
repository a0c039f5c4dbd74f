/**
 * Dockerfile instructions applied to an image's process config: `--change` of commit and import.
 *
 * Pure. The instructions and their words are docker's (moby, builder/dockerfile/dispatchers.go, validCommitCommands):
 * CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR.
 */
import { malformed, parseJsonWords, parsePairs, splitRawWords, unquote } from "./change-words.ts";
import { parseHealthcheckChange } from "./healthcheck-change.ts";
import type { ImageProcessConfig } from "./image-config.ts";
import { absolutePath, behindShell, withKeys, withVariable } from "./process-config-edit.ts";

type Change = (config: ImageProcessConfig, text: string) => ImageProcessConfig;

const changes: Readonly<Record<string, Change>> = {
  cmd: (config, text) => ({ ...config, Cmd: commandOf(config, text) }),
  entrypoint: (config, text) => ({ ...config, Entrypoint: commandOf(config, text) }),
  env: (config, text) => ({ ...config, Env: parsePairs("ENV", text).reduce(withVariable, config.Env ?? []) }),
  expose: (config, text) => ({ ...config, ExposedPorts: withKeys(config.ExposedPorts, parsePorts(text)) }),
  healthcheck: (config, text) => ({ ...config, Healthcheck: parseHealthcheckChange(config, text) }),
  label: (config, text) => ({
    ...config,
    Labels: { ...config.Labels, ...Object.fromEntries(parsePairs("LABEL", text)) },
  }),
  onbuild: (config, text) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), checkTrigger(text)] }),
  stopsignal: (config, text) => ({ ...config, StopSignal: only("STOPSIGNAL", text) }),
  user: (config, text) => ({ ...config, User: only("USER", text) }),
  volume: (config, text) => ({ ...config, Volumes: withKeys(config.Volumes, parseVolumes(text)) }),
  workdir: (config, text) => ({ ...config, WorkingDir: absolutePath(unquote(text), config.WorkingDir) }),
};

/** Applies the instructions in order; each may hold several lines. Throws docker's phrases, kind `usage`. */
export function applyChanges(
  config: ImageProcessConfig,
  instructions: readonly string[],
): ImageProcessConfig {
  const lines = instructions.flatMap((text) => text.replace(/\\\r?\n/g, "").split("\n"));
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .reduce(applyChange, config);
}

function applyChange(config: ImageProcessConfig, line: string): ImageProcessConfig {
  const [word = ""] = line.split(/\s/, 1);
  const name = word.toLowerCase();
  const change = Object.hasOwn(changes, name) ? changes[name] : undefined;
  if (change === undefined) throw malformed(`${name} is not a valid change command`);
  const text = line.slice(word.length).trim();
  if (text === "" && name !== "cmd" && name !== "entrypoint")
    throw malformed(
      `${name.toUpperCase()} requires ${atLeastOne.has(name) ? "at least" : "exactly"} one argument`,
    );
  return change(config, text);
}

const atLeastOne = new Set(["env", "label", "expose", "volume"]);

/** A JSON list as it is; anything else is for the image's shell. */
function commandOf(config: ImageProcessConfig, text: string): readonly string[] {
  const words = parseJsonWords(text);
  if (words !== undefined) return words;
  return text === "" ? [] : behindShell(config.Shell, text);
}

/** `80`, `80/udp`, `8000-8010/tcp` (each of them). */
function parsePorts(text: string): readonly string[] {
  return splitRawWords(text).flatMap((word) => {
    const [, from = "", to = from, protocol = "tcp"] =
      /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(unquote(word)) ?? [];
    const [first, last] = [Number(from), Number(to)];
    const isKnown = ["tcp", "udp", "sctp"].includes(protocol.toLowerCase());
    if (from === "" || first > last || last > 65535)
      throw malformed(`invalid containerPort: ${unquote(word)}`);
    if (!isKnown) throw malformed(`invalid proto: ${protocol}`);
    return Array.from(
      { length: last - first + 1 },
      (_, index) => `${first + index}/${protocol.toLowerCase()}`,
    );
  });
}

function parseVolumes(text: string): readonly string[] {
  const paths = parseJsonWords(text) ?? splitRawWords(text).map(unquote);
  if (paths.some((path) => path.trim() === ""))
    throw malformed("VOLUME specified can not be an empty string");
  return paths;
}

function only(instruction: string, text: string): string {
  const words = splitRawWords(text);
  if (words.length !== 1) throw malformed(`${instruction} requires exactly one argument`);
  return unquote(words[0] ?? "");
}

function checkTrigger(text: string): string {
  const name = (text.split(/\s/, 1)[0] ?? "").toUpperCase();
  if (name === "ONBUILD") throw malformed("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (name === "FROM" || name === "MAINTAINER")
    throw malformed(`${name} isn't allowed as an ONBUILD trigger`);
  return text;
}

/**
 * What a container's process is: the user's request laid over the image's defaults, by docker's rules.
 *
 * Pure. Which files the program is found in is decided later, inside the container. Follows docker's runconfig merge and
 * the order in which its daemon and runc put the environment together.
 */

import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import type { ImageProcessConfig } from "../image/image-config.ts";

export interface MergedProcess {
  /** Entrypoint and command; the first word is the program. */
  readonly args: readonly string[];
  /** The user's and the image's variables, the user's first: docker's `Config.Env`. */
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** As asked or as the image says; empty: root. */
  readonly user: string;
}

/** docker's default, for images that set none. */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Errors: nothing to run, a relative --workdir. */
export function mergeProcess(config: ContainerConfig, image: ImageProcessConfig): MergedProcess {
  const entrypoint = (config.entrypoint ?? image.Entrypoint ?? []).filter((word, i) => i > 0 || word !== "");
  const keepsImageCommand = config.entrypoint === undefined && config.command.length === 0;
  const command = keepsImageCommand ? (image.Cmd ?? []) : config.command;
  const args = [...entrypoint, ...command];
  if (args.length === 0) {
    throw new BockerError("no command specified", {
      kind: "invalid-config",
      hint: `the image has no CMD; name one: bocker run ${config.image} COMMAND`,
    });
  }
  return {
    args,
    entrypoint,
    command,
    env: mergeEnv(config.env, keptEnv(image.Env ?? [], config.unsetEnv)),
    cwd: workdir(config, image),
    user: config.user ?? image.User ?? "",
  };
}

export interface EnvironmentFacts {
  readonly hostname: string;
  readonly tty: boolean;
  readonly home: string;
}

/**
 * The environment the process starts with, in docker's order: PATH, HOSTNAME, TERM with a tty, then the merged
 * variables (which replace those in place), then HOME unless one was given that says something. A word without `=` removes its variable.
 */
export function processEnvironment(env: readonly string[], facts: EnvironmentFacts): readonly string[] {
  const variables = new Map<string, string>([
    ["PATH", defaultPath],
    ["HOSTNAME", facts.hostname],
  ]);
  if (facts.tty) variables.set("TERM", "xterm");
  for (const word of env) {
    const equals = word.indexOf("=");
    if (equals === -1) variables.delete(word);
    else if (equals > 0) variables.set(word.slice(0, equals), word.slice(equals + 1));
  }
  if (!variables.get("HOME")) variables.set("HOME", facts.home);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

/**
 * What is left of the image's variables, and a bare name for each that is to be unset, also where the engine would set it.
 * What the user gives by -e stays.
 */
function keptEnv(image: readonly string[], unset: ContainerConfig["unsetEnv"] = []): readonly string[] {
  return unset === "all" ? [] : [...image.filter((word) => !unset.includes(envName(word))), ...unset];
}

/** The user's words, then the image's whose names the user did not give. */
function mergeEnv(asked: readonly string[], image: readonly string[]): readonly string[] {
  const names = new Set(asked.map(envName));
  return [...asked, ...image.filter((word) => !names.has(envName(word)))];
}

function envName(word: string): string {
  return word.split("=", 1)[0] ?? word;
}

function workdir(config: ContainerConfig, image: ImageProcessConfig): string {
  const asked = config.workdir;
  if (asked !== undefined && asked !== "" && !asked.startsWith("/")) {
    throw new BockerError(`the working directory '${asked}' is invalid, it needs to be an absolute path`, {
      kind: "invalid-config",
    });
  }
  const cwd = asked || image.WorkingDir || "/";
  return cleanPath(cwd.startsWith("/") ? cwd : `/${cwd}`);
}

/** Go's filepath.Clean for an absolute path: no `.`, no `..`, no doubled or closing slash. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

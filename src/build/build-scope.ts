/**
 * The variables that FROM lines can use: ARGs before the first FROM, `--build-arg`, and docker's own about platforms. Pure.
 * https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact
 */
import { messageOf } from "../errors.ts";
import { type Platform, renderPlatform } from "../image/platform.ts";
import { DockerfileProblem } from "./dockerfile/dockerfile-error.ts";
import { type Expanded, expandWord, type Lookup } from "./dockerfile/expand-word.ts";
import type { Dockerfile, EscapeToken, Location } from "./dockerfile/syntax.ts";

export interface BuildScope {
  /** Of FROM lines, and what an ARG without default takes over in a stage. */
  readonly global: ReadonlyMap<string, string>;
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly escapeToken: EscapeToken;
  /** Proxy settings of `--build-arg`: in RUN's environment, but in no cache key and no history. */
  readonly proxies: ReadonlyMap<string, string>;
}

export interface ScopeOptions {
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly buildPlatform: Platform;
  readonly targetPlatform: Platform;
  /** undefined: the last stage. */
  readonly target: string | undefined;
}

const proxyNames = /^(?:http|https|ftp|no|all)_proxy$/i;

/** Throws DockerfileProblem for a default that cannot be expanded. */
export function resolveScope(dockerfile: Dockerfile, options: ScopeOptions): BuildScope {
  const { buildArgs } = options;
  const { escapeToken } = dockerfile;
  const global = new Map(
    predefined(options, dockerfile).map(([name, value]) => [name, buildArgs.get(name) ?? value]),
  );
  for (const instruction of dockerfile.globalArgs) {
    for (const { name, value } of instruction.definitions) {
      const given = buildArgs.get(name);
      if (given !== undefined) global.set(name, given);
      else if (value !== undefined) {
        global.set(name, expandAt(value, (each) => global.get(each), escapeToken, instruction).text);
      }
    }
  }
  const proxies = new Map([...buildArgs].filter(([name]) => proxyNames.test(name)));
  return { global, buildArgs, escapeToken, proxies };
}

function predefined(options: ScopeOptions, dockerfile: Dockerfile): readonly (readonly [string, string])[] {
  const { buildPlatform: build, targetPlatform: wanted } = options;
  return [
    ["BUILDPLATFORM", renderPlatform(build)],
    ["BUILDOS", build.os],
    ["BUILDARCH", build.architecture],
    ["BUILDVARIANT", build.variant ?? ""],
    ["TARGETPLATFORM", renderPlatform(wanted)],
    ["TARGETOS", wanted.os],
    ["TARGETARCH", wanted.architecture],
    ["TARGETVARIANT", wanted.variant ?? ""],
    ["TARGETSTAGE", options.target ?? dockerfile.stages.at(-1)?.name ?? "default"],
  ];
}

/** Expands a word of an instruction; what is wrong with it is said with its place. */
export function expandAt(
  word: string,
  lookup: Lookup,
  escapeToken: EscapeToken,
  location: Location,
  options: { readonly ignoreQuotes?: boolean } = {},
): Expanded {
  try {
    return expandWord(word, lookup, { escapeToken, ...options });
  } catch (error) {
    throw new DockerfileProblem(messageOf(error), location, { word });
  }
}

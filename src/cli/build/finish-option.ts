/**
 * Options of `build` that change the image as a whole, or the Dockerfile before it is built: docker's `--squash`, podman's
 * `--squash-all`, `--layers`, `--env`, `--unsetenv`, `--from`, `--omit-history` and others.
 */

import type { OptionSpec } from "../../config/option-spec.ts";
import type { BuildRequest } from "../../engine/run-build.ts";
import { messageOf } from "../../errors.ts";
import { nowMs } from "../../host/clock.ts";
import { parseDuration } from "../../image/duration.ts";
import { version } from "../build-info.ts";
import type { CommandContext } from "../command-spec.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { usage } from "./refused-option.ts";

export const finishOptions: readonly OptionSpec[] = [
  {
    name: "cache-ttl",
    kind: "string",
    placeholder: "duration",
    help: "Only take over steps made within this time (e.g., 24h)",
  },
  { name: "env", kind: "list", help: "Set environment variables for the image, as an ENV after each FROM" },
  { name: "format", kind: "string", help: 'Format of the manifest ("oci", "docker")', defaultText: "oci" },
  { name: "from", kind: "string", help: "Image in place of the one of the first FROM" },
  { name: "identity-label", kind: "boolean", help: 'Add the label "io.bocker.version"' },
  { name: "jobs", kind: "int", help: "Most RUNs at the same time; 0 is no limit", defaultText: "0" },
  {
    name: "layers",
    kind: "boolean",
    help: "A layer for each step; =false makes one of them all, without cache",
    defaultText: "true",
  },
  { name: "omit-history", kind: "boolean", help: "Leave the history out of the image" },
  {
    name: "skip-unused-stages",
    kind: "boolean",
    help: "Build only stages that the target needs",
    defaultText: "true",
  },
  { name: "squash", kind: "boolean", help: "Squash newly built layers into a single new layer" },
  { name: "squash-all", kind: "boolean", help: "Squash all layers, those of the base too, into one" },
  { name: "unsetenv", kind: "list", help: "Leave an environment variable out of the image" },
  { name: "unsetlabel", kind: "list", help: "Leave a label out of the image" },
];

type Finish = NonNullable<BuildRequest["finish"]>;

/** Throws kind `usage`. */
export function readFinish(parsed: ParsedArguments): Finish {
  const format = parsed.string("format") || "oci";
  if (format !== "oci" && format !== "docker") {
    throw usage(`unrecognized image type ${JSON.stringify(format)}`, "it is one of oci, docker");
  }
  if (format === "docker" && parsed.has("annotation")) {
    throw usage("--annotation has no place in --format docker: its manifest has no annotations");
  }
  return {
    squash: squashOf(parsed),
    unsetEnv: parsed.list("unsetenv"),
    unsetLabels: parsed.list("unsetlabel"),
    omitsHistory: parsed.boolean("omit-history"),
    format,
  };
}

function squashOf(parsed: ParsedArguments): Finish["squash"] {
  if (parsed.boolean("squash-all")) return "all";
  return parsed.boolean("squash") || isWithoutLayers(parsed) ? "new" : undefined;
}

/** `--layers=false`: podman commits once, and looks nothing up. */
export function isWithoutLayers(parsed: ParsedArguments): boolean {
  return parsed.has("layers") && !parsed.boolean("layers");
}

/** What is put into the Dockerfile; an `--env NAME` alone is the environment's, or nothing. */
export function readOverrides(
  parsed: ParsedArguments,
  env: CommandContext["env"],
): BuildRequest["overrides"] {
  const variables = parsed.list("env").flatMap((word): (readonly [string, string])[] => {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    if (name === "") throw usage(`invalid env ${JSON.stringify(word)}: it has no name`);
    const value = equals < 0 ? env[name] : word.slice(equals + 1);
    return value === undefined ? [] : [[name, value]];
  });
  return { base: parsed.string("from") || undefined, env: variables };
}

export function identityLabels(parsed: ParsedArguments): Readonly<Record<string, string>> {
  return parsed.boolean("identity-label") ? { "io.bocker.version": version } : {};
}

/** undefined: no limit. Throws kind `usage`. */
export function readJobs(parsed: ParsedArguments): number | undefined {
  const jobs = parsed.int("jobs") ?? 0;
  if (jobs < 0) throw usage(`invalid --jobs ${jobs}: the number of jobs cannot be negative`);
  return jobs === 0 ? undefined : jobs;
}

/** Steps made before are not taken over; undefined: all are. Throws kind `usage`. */
export function readOldestStep(parsed: ParsedArguments): number | undefined {
  const text = parsed.string("cache-ttl");
  if (text === undefined || text === "") return undefined;
  try {
    return nowMs() - parseDuration(text) / 1_000_000;
  } catch (error) {
    throw usage(`invalid --cache-ttl ${JSON.stringify(text)}: ${messageOf(error)}`);
  }
}

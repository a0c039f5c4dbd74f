/**
 * `exec --env` and `--env-file` as `K=V` words: files first, so that flags win. A bare name takes the caller's value.
 */
import { parseEnvFile } from "../config/env-file.ts";
import { describeFileError } from "../config/security-opt.ts";
import { BockerError, messageOf } from "../errors.ts";
import { readBounded } from "../host/read-bounded.ts";
import type { CommandContext } from "./command-spec.ts";
import type { ParsedArguments } from "./parse-argv.ts";

/** Throws docker's phrases for files and words that make no sense. */
export function readEnvironment(context: CommandContext, parsed: ParsedArguments): readonly string[] {
  const fromFiles = parsed.list("env-file").flatMap((path) => readFile(path, context));
  const fromFlags = parsed.list("env").flatMap((word) => resolveWord(word, context));
  return [...fromFiles, ...fromFlags];
}

function readFile(path: string, { env }: CommandContext): readonly string[] {
  const bytes = readBytes(path);
  try {
    return parseEnvFile(bytes, path, (name) => env[name]);
  } catch (error) {
    throw new BockerError(messageOf(error), { kind: "invalid-config" });
  }
}

function readBytes(path: string): Uint8Array {
  try {
    return readBounded(path);
  } catch (error) {
    throw new BockerError(describeFileError(error, path), { kind: "invalid-config" });
  }
}

/** Throws Error(reason), as an option's check does. */
export function checkEnvironmentWord(word: string): void {
  if (word === "" || word.startsWith("=")) throw new Error(`invalid environment variable: ${word}`);
}

function resolveWord(word: string, { env }: CommandContext): readonly string[] {
  if (word.includes("=")) return [word];
  const value = env[word];
  return value === undefined ? [] : [`${word}=${value}`];
}

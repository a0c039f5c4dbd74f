/**
 * BOCKER_* variables as a layer of options: `BOCKER_MEMORY=64m` is `--memory 64m`. Pure.
 *
 * Names are the long flags' in upper case, `-` as `_`. Options that say what a container is (its image, words, name and
 * variables) are left out, for scripts use such names for their own ends; so is BOCKER_STORAGE_DRIVER, the engine's
 * own. Unknown names are harmless, as in the bash bocker, whose BOCKER_MEM_LIMIT (unit 1 000 000 bytes) and
 * BOCKER_CPU_SHARE still work.
 */
import { BockerError, ExitCode, messageOf } from "../errors.ts";
import type { RawOptions, RawValue } from "./option-spec.ts";
import { checkKind, parseGoBoolean } from "./option-value.ts";
import type { RunOption } from "./run-option.ts";
import { runOptions } from "./run-options.ts";
import { splitWords } from "./split-words.ts";

const notFromEnvironment = [
  "image",
  "command",
  "entrypoint",
  "name",
  "env",
  "env-file",
  "label-file",
  "storage-driver",
];

/** Throws BockerError for a value that cannot be. */
export function optionsOfEnvironment(env: Readonly<Record<string, string | undefined>>): RawOptions {
  const options = new Map<string, RawValue>();
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith("BOCKER_")) continue;
    const value = env[variable];
    const option = optionOf(variable);
    if (value === undefined || value === "" || !option) continue;
    try {
      options.set(option.name, read(option, variable === "BOCKER_MEM_LIMIT" ? `${value}000000` : value));
    } catch (thrown) {
      throw new BockerError(`invalid value ${JSON.stringify(value)} of ${variable}: ${messageOf(thrown)}`, {
        kind: "usage",
        exitCode: ExitCode.engine,
      });
    }
  }
  return options;
}

function optionOf(variable: string): RunOption | undefined {
  if (variable === "BOCKER_MEM_LIMIT") return runOptions.find(({ name }) => name === "memory");
  if (variable === "BOCKER_CPU_SHARE") return runOptions.find(({ name }) => name === "cpu-shares");
  const name = variable.slice("BOCKER_".length).toLowerCase().replaceAll("_", "-");
  const option = runOptions.find((each) => each.name === name);
  const isOffered = option && option.toml !== "none" && !notFromEnvironment.includes(name);
  return isOffered && (option.scope === "container" || name === "detach-keys") ? option : undefined;
}

function read(option: RunOption, text: string): RawValue {
  if (option.kind === "boolean") return parseGoBoolean(text);
  const isList = option.kind === "list" || option.kind === "map";
  const words = isList ? splitWords(text) : [text];
  for (const word of words) {
    checkKind(option.kind, word);
    option.check?.(word);
  }
  return isList ? words : text;
}

/**
 * What the commands of `boot` that deal with hooks have in common: the system they are for, and what a hook is to call.
 */
import { resolve } from "node:path";
import { defaultConfigPath, loadEngineSettings } from "../config/engine-settings.ts";
import type { OptionSpec } from "../config/option-spec.ts";
import type { HookRequest } from "../engine/boot-hook.ts";
import { selfCommand } from "../host/self-command.ts";
import type { CommandContext } from "./command-spec.ts";
import type { ParsedArguments } from "./parse-argv.ts";

export const intoOption: OptionSpec = {
  name: "into",
  kind: "string",
  help: "Root directory of the system that is meant: of an image that is being made",
  defaultText: '"/"',
};

/** The directory that --into names, absolute. */
export function intoOf(parsed: ParsedArguments): string {
  return resolve(parsed.string("into") ?? "/");
}

/** This executable, and the settings of this call that are not the defaults. */
export async function hookRequestOf({ global, env }: CommandContext): Promise<HookRequest> {
  const { root } = await loadEngineSettings(global, env);
  const settings = [
    ["BOCKER_CONFIG", global.config ?? env.BOCKER_CONFIG, defaultConfigPath],
    ["BOCKER_ROOT", global.root ?? env.BOCKER_ROOT, "/var/lib/bocker"],
    ["BOCKER_RUN", global.runRoot ?? env.BOCKER_RUN, "/run/bocker"],
    ["BOCKER_STORAGE_DRIVER", global.storageDriver ?? env.BOCKER_STORAGE_DRIVER, "auto"],
  ] as const;
  const changed = settings.flatMap(([key, value, usual]): [string, string][] => {
    if (value === undefined || value === "") return [];
    const meant = key === "BOCKER_CONFIG" ? resolve(value) : value;
    return meant === usual ? [] : [[key, meant]];
  });
  return { command: selfCommand(), env: Object.fromEntries(changed), root };
}

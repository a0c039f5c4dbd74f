/**
 * `--detach-keys` of exec, attach and start: checked before anything is started.
 */
import { parseDetachKeys } from "../config/detach-keys.ts";
import type { OptionSpec } from "../config/option-spec.ts";
import { BockerError, messageOf } from "../errors.ts";
import type { ParsedArguments } from "./parse-argv.ts";

export const detachKeysOption: OptionSpec = {
  name: "detach-keys",
  kind: "string",
  help: "Override the key sequence for detaching a container",
};

/** For spreading into AttachOptions; empty where nothing was said. Throws docker's words for keys that are none. */
export function detachKeysOf(parsed: ParsedArguments): { readonly detachKeys?: string } {
  const detachKeys = parsed.string(detachKeysOption.name);
  if (detachKeys === undefined || detachKeys === "") return {};
  try {
    parseDetachKeys(detachKeys);
  } catch (error) {
    throw new BockerError(messageOf(error), {
      kind: "invalid-config",
      hint: 'keys are characters or ctrl-a … ctrl-z, as in "ctrl-p,ctrl-q"',
    });
  }
  return { detachKeys };
}

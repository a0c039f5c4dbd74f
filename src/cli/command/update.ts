import { newRunDraft } from "../../config/default-config.ts";
import { runOptions } from "../../config/run-options.ts";
import { type UpdateRequest, updateContainer } from "../../engine/update-container.ts";
import { BockerError, messageOf } from "../../errors.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { optionHostOf } from "../option-host.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { forEachContainer } from "./each-container.ts";

/** Those options of run that may change while a container runs. */
const changeable = runOptions.filter(({ name }) =>
  [
    "cpu-period",
    "cpu-quota",
    "cpu-shares",
    "cpus",
    "cpuset-cpus",
    "cpuset-mems",
    "memory",
    "memory-reservation",
    "memory-swap",
    "pids-limit",
    "restart",
  ].includes(name),
);

/** `bocker update`: limits and restart policy, at once and for later. */
export const command: CommandSpec = {
  name: "update",
  aliases: ["container update"],
  summary: "Update configuration of one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: changeable,
  example: "bocker update -m 256m --cpus 1.5 web",
  minArguments: 1,
  async run(context, parsed) {
    const request = readRequest(context, parsed);
    const engine = await openEngineFor(context);
    return forEachContainer(context, parsed.positionals, (name) => updateContainer(engine, name, request));
  },
};

function readRequest(context: CommandContext, parsed: ParsedArguments): UpdateRequest {
  const given = changeable.filter(({ name }) => parsed.has(name));
  if (given.length === 0) {
    throw new BockerError("you must provide one or more flags when using this command");
  }
  const draft = newRunDraft();
  const host = optionHostOf(context);
  try {
    for (const option of given) option.apply(draft, parsed.raw.get(option.name) ?? "", host);
  } catch (error) {
    throw new BockerError(messageOf(error), { kind: "invalid-config" });
  }
  const { resources, restart } = draft.config;
  return { resources, ...(parsed.has("restart") ? { restart: restart ?? "no" } : {}) };
}

import { renameContainer } from "../../engine/rename-container.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker rename`: another name. */
export const command: CommandSpec = {
  name: "rename",
  aliases: ["container rename"],
  summary: "Rename a container",
  usage: "CONTAINER NEW_NAME",
  options: [],
  example: "bocker rename web old-web",
  minArguments: 2,
  maxArguments: 2,
  async run(context, { positionals: [container = "", name = ""] }) {
    await renameContainer(await openEngineFor(context), container, name);
    return 0;
  },
};

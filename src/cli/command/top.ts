import { listProcesses } from "../../engine/list-processes.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { shownOn } from "../printable.ts";
import { renderTable } from "../table.ts";

/** docker's columns here are wider than elsewhere. */
const minimumWidth = 20;

/** `bocker top`: a container's processes, as ps shows them. */
export const command: CommandSpec = {
  name: "top",
  aliases: ["container top"],
  summary: "Display the running processes of a container",
  usage: "CONTAINER [ps OPTIONS]",
  options: [],
  example: "bocker top web -o pid,args",
  minArguments: 1,
  stopAtArgument: true,
  async run(context, { positionals: [container = "", ...words] }) {
    const engine = await openEngineFor(context);
    const { titles, rows } = await listProcesses(engine, container, words);
    context.out.write(shownOn(context.out, renderTable(titles, rows, minimumWidth)));
    return 0;
  },
};

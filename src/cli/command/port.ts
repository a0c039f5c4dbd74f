import { loadPublishedPorts } from "../../engine/published-ports.ts";
import type { PortRecord } from "../../state/record.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker port`: published ports, or the host's side of one. */
export const command: CommandSpec = {
  name: "port",
  aliases: ["container port"],
  summary: "List port mappings or a specific mapping for the container",
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  options: [],
  example: "bocker port web 80",
  minArguments: 1,
  maxArguments: 2,
  async run(context, { positionals: [container = "", wanted] }) {
    const engine = await openEngineFor(context);
    for (const port of await loadPublishedPorts(engine, container, wanted)) {
      const prefix = wanted === undefined ? `${port.containerPort}/${port.protocol} -> ` : "";
      context.out.write(`${prefix}${renderHost(port)}\n`);
    }
    return 0;
  },
};

function renderHost({ hostIp, hostPort }: PortRecord): string {
  return `${hostIp.includes(":") ? `[${hostIp}]` : hostIp}:${hostPort}`;
}

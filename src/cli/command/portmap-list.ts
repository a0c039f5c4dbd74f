import { listPortMap } from "../../engine/port-map.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { renderTable } from "../table.ts";

const titles = { Host: "HOST", Target: "TARGET", Protocol: "PROTOCOL", Container: "CONTAINER" } as const;

/** `bocker portmap list`: published ports, and mappings made by hand. */
export const command: CommandSpec = {
  name: "portmap list",
  aliases: ["portmap ls"],
  summary: "List published ports and mappings made by hand",
  usage: "[OPTIONS]",
  options: [{ name: "format", kind: "string", help: "Format output: 'table', 'json', or a Go template" }],
  example: "bocker portmap list",
  maxArguments: 0,
  async run(context, parsed) {
    const rows = listPortMap(await openEngineFor(context)).map(({ host, target, protocol, container }) => ({
      Host: host,
      Target: target,
      Protocol: protocol,
      Container: container ?? "",
    }));
    const format = parsed.string("format") ?? "table";
    if (format === "table") {
      const cells = rows.map((row) => [row.Host, row.Target, row.Protocol, row.Container]);
      context.out.write(renderTable(Object.values(titles), cells));
      return 0;
    }
    const { parseFormat } = await import("../format.ts");
    context.out.write(
      parseFormat(format, { headers: titles, typeName: "formatter.portMapContext" }).renderRows(rows),
    );
    return 0;
  },
};

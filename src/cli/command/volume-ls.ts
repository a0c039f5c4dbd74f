import { loadVolumes, type VolumeRow, volumeLabels } from "../../engine/volume.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { matchesExactly, matchesLabels, matchesPattern } from "../filter-match.ts";
import { booleanFilter, type Filters, filterOption, parseFilters } from "../filter-option.ts";
import { renderKeyValues } from "../key-value.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderTable } from "../table.ts";

const titles = {
  Name: "VOLUME NAME",
  Driver: "DRIVER",
  Scope: "SCOPE",
  Mountpoint: "MOUNTPOINT",
  Labels: "LABELS",
  Links: "LINKS",
  Size: "SIZE",
  Availability: "AVAILABILITY",
  Group: "GROUP",
  Status: "STATUS",
} as const;

/** `bocker volume ls`: what volumes there are. */
export const command: CommandSpec = {
  name: "volume ls",
  aliases: ["volume list"],
  summary: "List volumes",
  usage: "[OPTIONS]",
  options: [
    filterOption('Provide filter values (e.g. "dangling=true")'),
    { name: "format", kind: "string", help: "Format output: 'table', 'json', or a Go template" },
    { name: "quiet", short: "q", kind: "boolean", help: "Only display volume names" },
  ],
  example: "bocker volume ls --filter dangling=true",
  maxArguments: 0,
  run: listThem,
};

async function listThem(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const filters = parseFilters(parsed.list("filter"), ["dangling", "driver", "label", "name"]);
  const isDangling = booleanFilter(filters, "dangling");
  const engine = await openEngineFor(context);
  const rows = loadVolumes(engine).filter((row) => isAsked(row, filters, isDangling));
  const format = parsed.string("format");
  if (parsed.boolean("quiet") && (format === undefined || format === "table")) {
    for (const { volume } of rows) context.out.write(`${volume.name}\n`);
  } else if (format === undefined || format === "table") {
    const cells = rows.map(({ volume }) => [volume.driver, volume.name]);
    context.out.write(renderTable([titles.Driver, titles.Name], cells));
  } else {
    const { labelMethod, parseFormat } = await import("../format.ts");
    const options = { headers: titles, typeName: "formatter.volumeContext" };
    const shown = rows.map((row) => ({ ...cellsOf(row), Label: labelMethod(volumeLabels(row.volume)) }));
    context.out.write(parseFormat(format, options).renderRows(shown));
  }
  return 0;
}

function isAsked({ volume, isUsed }: VolumeRow, filters: Filters, isDangling: boolean | undefined): boolean {
  return (
    (isDangling === undefined || isDangling !== isUsed) &&
    matchesExactly(filters, "driver", volume.driver) &&
    matchesLabels(filters, volumeLabels(volume)) &&
    matchesPattern(filters, "name", volume.name)
  );
}

function cellsOf({ volume }: VolumeRow): Readonly<Record<keyof typeof titles, string>> {
  return {
    Availability: "N/A",
    Driver: volume.driver,
    Group: "N/A",
    Labels: renderKeyValues(volumeLabels(volume)),
    Links: "N/A",
    Mountpoint: volume.mountpoint,
    Name: volume.name,
    Scope: "local",
    Size: "N/A",
    Status: "N/A",
  };
}

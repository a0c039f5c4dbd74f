import { loadNetworks, type NetworkView } from "../../engine/network-view.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { renderGoTime } from "../container-text.ts";
import { openEngineFor } from "../engine-of.ts";
import { matchesExactly, matchesLabels, matchesPattern } from "../filter-match.ts";
import { booleanFilter, type Filters, filterOption, invalidFilter, parseFilters } from "../filter-option.ts";
import { renderKeyValues } from "../key-value.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderTable, shortId } from "../table.ts";

const titles = {
  ID: "NETWORK ID",
  Name: "NAME",
  Driver: "DRIVER",
  Scope: "SCOPE",
  CreatedAt: "CREATED AT",
  IPv4: "IPV4",
  IPv6: "IPV6",
  Internal: "INTERNAL",
  Labels: "LABELS",
} as const;

/** `bocker network ls`: what networks there are. */
export const command: CommandSpec = {
  name: "network ls",
  aliases: ["network list", "networks"],
  summary: "List networks",
  usage: "[OPTIONS]",
  options: [
    filterOption('Provide filter values (e.g. "driver=bridge")'),
    { name: "format", kind: "string", help: "Format output: 'table', 'json', or a Go template" },
    { name: "no-trunc", kind: "boolean", help: "Do not truncate the output" },
    { name: "quiet", short: "q", kind: "boolean", help: "Only display network IDs" },
  ],
  example: "bocker network ls",
  maxArguments: 0,
  run: listThem,
};

async function listThem(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const filters = parseFilters(parsed.list("filter"), [
    "dangling",
    "driver",
    "id",
    "label",
    "name",
    "scope",
    "type",
  ]);
  const wrongType = filters.get("type")?.find((type) => type !== "custom" && type !== "builtin");
  if (wrongType !== undefined) throw invalidFilter(`type=${wrongType}`);
  const engine = await openEngineFor(context);
  const views = loadNetworks(engine).filter((view) => isAsked(view, filters));
  const idOf = (view: NetworkView) => (parsed.boolean("no-trunc") ? view.id : shortId(view.id));
  const format = parsed.string("format");
  if (parsed.boolean("quiet") && (format === undefined || format === "table")) {
    for (const view of views) context.out.write(`${idOf(view)}\n`);
  } else if (format === undefined || format === "table") {
    const cells = views.map((view) => [idOf(view), view.name, view.driver, "local"]);
    context.out.write(renderTable([titles.ID, titles.Name, titles.Driver, titles.Scope], cells));
  } else {
    const { labelMethod, parseFormat } = await import("../format.ts");
    const options = { headers: titles, typeName: "formatter.networkContext" };
    const rows = views.map((view) => ({ ...cellsOf(view, idOf(view)), Label: labelMethod(view.labels) }));
    context.out.write(parseFormat(format, options).renderRows(rows));
  }
  return 0;
}

function isAsked(view: NetworkView, filters: Filters): boolean {
  const type = ["bridge", "host", "none"].includes(view.name) ? "builtin" : "custom";
  const isDangling = type === "custom" && view.isUsed !== true;
  return (
    (booleanFilter(filters, "dangling") ?? isDangling) === isDangling &&
    matchesExactly(filters, "driver", view.driver) &&
    matchesPattern(filters, "id", view.id) &&
    matchesLabels(filters, view.labels) &&
    matchesPattern(filters, "name", view.name) &&
    matchesExactly(filters, "scope", "local") &&
    matchesExactly(filters, "type", type)
  );
}

function cellsOf(view: NetworkView, id: string): Readonly<Record<keyof typeof titles, string>> {
  return {
    CreatedAt: renderGoTime(view.createdAtMs),
    Driver: view.driver,
    ID: id,
    IPv4: "true",
    IPv6: String(view.record?.ipv6 !== undefined),
    Internal: String(view.internal),
    Labels: renderKeyValues(view.labels),
    Name: view.name,
    Scope: "local",
  };
}

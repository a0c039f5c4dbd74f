import { loadEngineSettings } from "../../config/engine-settings.ts";
import type { SearchResult } from "../../engine/search.ts";
import { BockerError } from "../../errors.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { booleanFilter, type Filters, filterOption, invalidFilter, parseFilters } from "../filter-option.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { shownOn } from "../printable.ts";
import { ellipsis, renderTable } from "../table.ts";

const titles = {
  Name: "NAME",
  Description: "DESCRIPTION",
  StarCount: "STARS",
  IsOfficial: "OFFICIAL",
  IsAutomated: "AUTOMATED",
} as const;

const columns = ["Name", "Description", "StarCount", "IsOfficial"] as const;
const defaultLimit = 25;
const maxLimit = 100;
const descriptionWidth = 45;

/** `bocker search`: repositories by name, on Docker Hub or another registry. */
export const command: CommandSpec = {
  name: "search",
  aliases: [],
  summary: "Search Docker Hub, or another registry, for images",
  usage: "[OPTIONS] TERM",
  options: [
    filterOption("Filter output based on conditions provided: is-official, stars"),
    { name: "format", kind: "string", help: "Format output: 'table', 'json', or a Go template" },
    { name: "limit", kind: "int", help: "Max number of search results", defaultText: String(defaultLimit) },
    { name: "no-trunc", kind: "boolean", help: "Don't truncate output" },
  ],
  example: "bocker search localhost:5000/web",
  minArguments: 1,
  maxArguments: 1,
  run: searchFor,
};

async function searchFor(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const limit = parsed.int("limit") || defaultLimit;
  if (limit < 1 || limit > maxLimit) {
    throw new BockerError(`limit ${limit} is outside the range of [1, ${maxLimit}]`, {
      kind: "invalid-config",
    });
  }
  const matches = matcher(parseFilters(parsed.list("filter"), ["is-automated", "is-official", "stars"]));
  const { registries } = await loadEngineSettings(context.global, context.env);
  const { parseSearchTerm, searchImages } = await import("../../engine/search.ts");
  const found = await searchImages(registries, parseSearchTerm(parsed.positionals[0] ?? ""), limit);
  const rows = found.filter(matches).map((result) => cellsOf(result, parsed.boolean("no-trunc")));
  const format = parsed.string("format");
  if (format !== undefined && format !== "table") {
    const { parseFormat } = await import("../format.ts");
    const options = { headers: titles, typeName: "formatter.searchContext" };
    context.out.write(parseFormat(format, options).renderRows(rows));
    return 0;
  }
  const official = { true: "[OK]", false: "" };
  const cells = rows.map((row) => ({ ...row, IsOfficial: official[row.IsOfficial] }));
  const table = renderTable(
    columns.map((column) => titles[column]),
    cells.map((row) => columns.map((column) => row[column])),
  );
  context.out.write(shownOn(context.out, table));
  return 0;
}

function matcher(filters: Filters): (result: SearchResult) => boolean {
  const official = booleanFilter(filters, "is-official");
  const automated = booleanFilter(filters, "is-automated");
  const stars = Math.max(0, ...(filters.get("stars") ?? []).map(starsOf));
  return (result) =>
    result.stars >= stars &&
    (official === undefined || official === result.isOfficial) &&
    (automated === undefined || automated === result.isAutomated);
}

function starsOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw invalidFilter(`stars=${text}`);
  return Number(text);
}

function cellsOf(result: SearchResult, noTrunc: boolean) {
  const description = result.description.replace(/[\r\n\t]+/g, " ");
  return {
    Description: noTrunc ? description : ellipsis(description, descriptionWidth),
    IsAutomated: result.isAutomated ? "true" : "false",
    IsOfficial: result.isOfficial ? "true" : "false",
    Name: result.name,
    StarCount: String(result.stars),
  } as const;
}

import { loadSecrets, type SecretRecord } from "../../engine/secret.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { renderAgo } from "../container-text.ts";
import { openEngineFor } from "../engine-of.ts";
import { matchesLabels, matchesPattern } from "../filter-match.ts";
import { type Filters, filterOption, parseFilters } from "../filter-option.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderColumns, renderTable } from "../table.ts";

const titles = {
  ID: "ID",
  Name: "NAME",
  Driver: "DRIVER",
  CreatedAt: "CREATED",
  UpdatedAt: "UPDATED",
} as const;

/** `bocker secret ls`: what secrets there are, without their values. */
export const command: CommandSpec = {
  name: "secret ls",
  aliases: ["secret list"],
  summary: "List secrets",
  usage: "[OPTIONS]",
  options: [
    filterOption('Provide filter values (e.g. "name=db")'),
    { name: "format", kind: "string", help: "Format output: 'table', 'json', or a Go template" },
    { name: "noheading", short: "n", kind: "boolean", help: "Do not print headers" },
    { name: "quiet", short: "q", kind: "boolean", help: "Print the secret IDs only" },
  ],
  example: "bocker secret ls --filter name=db",
  maxArguments: 0,
  run: listThem,
};

async function listThem(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const filters = parseFilters(parsed.list("filter"), ["id", "label", "name"]);
  const engine = await openEngineFor(context);
  const secrets = loadSecrets(engine).filter((secret) => isAsked(secret, filters));
  const format = parsed.string("format");
  if (parsed.boolean("quiet")) {
    for (const { id } of secrets) context.out.write(`${id}\n`);
  } else if (format === undefined || format === "table") {
    const rows = secrets.map((secret) => Object.values(cellsOf(secret)));
    const withoutHeader = parsed.boolean("noheading");
    context.out.write(withoutHeader ? renderColumns(rows) : renderTable(Object.values(titles), rows));
  } else {
    const { parseFormat } = await import("../format.ts");
    const options = { headers: titles, typeName: "secrets.secretListReport" };
    context.out.write(parseFormat(format, options).renderRows(secrets.map(cellsOf)));
  }
  return 0;
}

function isAsked({ id, name, labels }: SecretRecord, filters: Filters): boolean {
  return (
    matchesPattern(filters, "id", id) &&
    matchesPattern(filters, "name", name) &&
    matchesLabels(filters, labels)
  );
}

function cellsOf(secret: SecretRecord): Readonly<Record<keyof typeof titles, string>> {
  const now = Date.now();
  return {
    ID: secret.id,
    Name: secret.name,
    Driver: "file",
    CreatedAt: renderAgo(secret.createdAtMs, now),
    UpdatedAt: renderAgo(secret.updatedAtMs, now),
  };
}

/**
 * The table of a container's TOML keys in docs/toml.md, from the options of run. Pure.
 */
import { optionText } from "../../src/cli/help.ts";
import type { RunOption } from "../../src/config/run-option.ts";
import { tomlOptions } from "../../src/config/run-options.ts";
import { escapeCell, type MadeParts } from "./command-page.ts";

export function tomlPageParts(): MadeParts {
  const options = [...tomlOptions().values()]
    .filter(({ hidden }) => !hidden)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const rows = options.map(
    (option) => `| \`${option.name}\` | ${describeValue(option)} | ${escapeCell(optionText(option))} |`,
  );
  return { "container-keys": ["| key | value | meaning |", "|---|---|---|", ...rows].join("\n") };
}

/** What a key's value may look like. */
function describeValue(option: RunOption): string {
  if (option.toml === "words") return "text or list of texts";
  if (option.toml === "map" || option.kind === "map") return "table, or list of `key=value`";
  switch (option.kind) {
    case "boolean":
      return "`true` or `false`";
    case "int":
      return "whole number";
    case "decimal":
      return "number";
    case "bytes":
      return 'bytes, or text such as `"64m"`';
    case "list":
      return "list of texts, or one text";
    default:
      return option.toml === "size" ? 'number, or text such as `"64m"`' : "text";
  }
}

/**
 * The parts of docs/ that are made from the tables of commands and options, and how they are put into a page that is
 * otherwise written by hand. Pure.
 *
 * A made part stands between `<!-- made: NAME -->` and `<!-- end -->`; whatever is outside is never touched.
 */
import type { CommandSpec } from "../../src/cli/command-spec.ts";
import { optionText, optionWords } from "../../src/cli/help.ts";
import type { OptionSpec } from "../../src/config/option-spec.ts";

/** Part name to its text, which neither begins nor ends with a line break. */
export type MadeParts = Readonly<Record<string, string>>;

/** `network create` → `network-create.md`. */
export function pageNameOf(command: string): string {
  return `${command.replaceAll(" ", "-")}.md`;
}

/** What every command's page has of its CommandSpec: `usage` on top, `options` at the end. */
export function madePartsOf(spec: CommandSpec): MadeParts {
  const aliases = (spec.aliases ?? []).map((name) => `\`bocker ${name}\``);
  const usage = [
    `${spec.summary}.`,
    `\`\`\`text\nbocker ${`${spec.name} ${spec.usage}`.trim()}\n\`\`\``,
    ...(aliases.length > 0 ? [`Also written ${aliases.join(", ")}.`] : []),
  ];
  const shown = spec.options.filter(({ hidden }) => !hidden);
  return {
    usage: usage.join("\n\n"),
    options: shown.length === 0 ? "It has no options." : renderOptionTable(shown),
  };
}

/** Names and sentences are those of `--help`, by the functions that write it. */
export function renderOptionTable(options: readonly OptionSpec[]): string {
  const rows = options
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((option) => `| \`${optionWords(option).trim()}\` | ${escapeCell(optionText(option))} |`);
  return ["| option | meaning |", "|---|---|", ...rows].join("\n");
}

export function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

/** The page with its made parts anew. Throws Error for a part that the page has no place for. */
export function fillPage(page: string, parts: MadeParts): string {
  let filled = page;
  for (const [name, text] of Object.entries(parts)) {
    const place = new RegExp(`(<!-- made: ${name} -->\n)[\\s\\S]*?(<!-- end -->)`);
    if (!place.test(filled)) throw new Error(`no "<!-- made: ${name} -->" … "<!-- end -->" in the page`);
    filled = filled.replace(place, (_, open: string, end: string) => `${open}${text}\n${end}`);
  }
  return filled;
}

/** What a new command's page begins with; the test about pages refuses it until TODO is gone. */
export function skeletonOf(spec: CommandSpec): string {
  return `# bocker ${spec.name}

<!-- made: usage -->
<!-- end -->

TODO: what it does.

## Example

\`\`\`console
$ ${spec.example}
\`\`\`

## Exit codes

TODO

## Beside docker

TODO

## Options

<!-- made: options -->
<!-- end -->
`;
}

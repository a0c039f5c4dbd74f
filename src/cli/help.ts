/**
 * Help pages, laid out as docker's: usage, summary, aliases, options in columns, one example. Pure.
 */
import type { OptionSpec } from "../config/option-spec.ts";
import type { CommandSpec } from "./command-spec.ts";
import { type CommandTable, commandTable } from "./command-table.ts";
import { namesOf } from "./find-command.ts";
import { globalOptionSpecs } from "./global-options.ts";

/** `bocker COMMAND --help`. */
export function renderCommandHelp(spec: CommandSpec, columns = 80): string {
  const aliases = [...(spec.aliases ?? []), spec.name].map((name) => `bocker ${name}`);
  const sections = [renderUsageLine(spec), `${spec.summary}\n`];
  if (aliases.length > 1) sections.push(`Aliases:\n  ${aliases.join(", ")}\n`);
  const options = spec.options.some(({ short }) => short === "h")
    ? [...spec.options, helpOption]
    : spec.options;
  const members = renderMembers(spec.name, commandTable);
  if (members !== "") sections.push(`Commands:\n${members}`);
  if (spec.options.length > 0) sections.push(`Options:\n${renderOptions(options, columns)}`);
  sections.push(`Example:\n  ${spec.example}\n`);
  return sections.join("\n");
}

const helpOption: OptionSpec = { name: "help", kind: "boolean", help: "Print usage" };

export function renderUsageLine(spec: Pick<CommandSpec, "name" | "usage">): string {
  return `Usage:  bocker ${`${spec.name} ${spec.usage}`.trim()}\n`;
}

/** The usage of bocker itself. */
export const mainUsage = { name: "", usage: "[OPTIONS] COMMAND [ARG...]" };

/** `bocker --help`. */
export function renderMainHelp(table: CommandTable = commandTable, columns = 80): string {
  const width = Math.max(...table.map(({ name }) => name.length)) + 2;
  const lines = (entries: CommandTable) =>
    entries.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}\n`);
  const others = table.filter((entry) => !entry.isCommon).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return [
    "Usage:  bocker [OPTIONS] COMMAND\n",
    "Containers from one executable, with no daemon\n",
    `Common Commands:\n${lines(table.filter((entry) => entry.isCommon)).join("")}`,
    `Commands:\n${lines(others).join("")}`,
    `Global Options:\n${renderOptions(globalOptionSpecs, columns)}`,
    "Run 'bocker COMMAND --help' for more information on a command.\n",
    "Example:\n  bocker run -it --rm busybox sh\n",
  ].join("\n");
}

/** `bocker image`: the commands of a group. */
export function renderGroupHelp(group: string, table: CommandTable = commandTable): string {
  return [
    `Usage:  bocker ${group} COMMAND\n`,
    `Manage ${group}s\n`,
    `Commands:\n${renderMembers(group, table)}`,
    `Run 'bocker ${group} COMMAND --help' for more information on a command.\n`,
  ].join("\n");
}

/** A line for each command of a group, the word that follows the group's; empty for what is none. */
function renderMembers(group: string, table: CommandTable): string {
  const members = table.flatMap((entry) =>
    namesOf(entry)
      .filter((name) => name.startsWith(`${group} `))
      .slice(0, 1)
      .map((name) => ({ name: name.slice(group.length + 1), summary: entry.summary })),
  );
  const width = Math.max(...members.map(({ name }) => name.length)) + 2;
  return members
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, summary }) => `  ${name.padEnd(width)}${summary}\n`)
    .join("");
}

/** pflag's FlagUsagesWrapped: sorted, descriptions in one column and wrapped to the terminal. */
function renderOptions(options: readonly OptionSpec[], columns: number): string {
  const shown = options.filter(({ hidden }) => !hidden).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const left = shown.map((option) => optionWords(option));
  const indent = Math.max(...left.map((text) => text.length)) + 3;
  return shown
    .map((option, index) => {
      const lines = wrap(optionText(option), columns - indent);
      return `${(left[index] ?? "").padEnd(indent)}${lines.join(`\n${" ".repeat(indent)}`)}\n`;
    })
    .join("");
}

/** The left column: `  -m, --memory bytes`. docs/ has it too. */
export function optionWords(option: OptionSpec): string {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  const word = option.placeholder ?? (option.kind === "boolean" ? "" : option.kind);
  return `  ${short}--${option.name}${word === "" ? "" : ` ${word}`}`;
}

/** The right column, in one line. */
export function optionText({ help, defaultText }: OptionSpec): string {
  return defaultText === undefined ? help : `${help} (default ${defaultText})`;
}

/** Lines of at most `width`, aimed five short of it so that no orphan word is left; pflag's wrap. */
function wrap(text: string, width: number): readonly string[] {
  const slop = 5;
  const aim = width - slop;
  const lines: string[] = [];
  let rest = text;
  while (aim > slop && rest.length > aim + slop) {
    const space = rest.slice(0, aim).lastIndexOf(" ");
    if (space <= 0) break;
    lines.push(rest.slice(0, space));
    rest = rest.slice(space + 1);
  }
  return [...lines, rest];
}

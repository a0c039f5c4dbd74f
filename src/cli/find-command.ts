/**
 * Which command the first words name: `ps`, `container ls`. Pure.
 */
import { hintNearest } from "../config/nearest.ts";
import type { CommandEntry, CommandTable } from "./command-table.ts";
import { UsageError } from "./usage-error.ts";

export interface FoundCommand {
  readonly entry: CommandEntry;
  /** As it was typed, one or two words. */
  readonly words: readonly string[];
  readonly rest: readonly string[];
}

/** Throws UsageError with the nearest name; a group without its command is none either. */
export function findCommand(words: readonly string[], table: CommandTable): FoundCommand {
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(" ");
    const entry = words.length >= count ? table.find((each) => isNamed(each, name)) : undefined;
    if (entry) return { entry, words: words.slice(0, count), rest: words.slice(count) };
  }
  throw unknownCommand(words, table);
}

/** Whether the word begins two-word names: `container`, `image`. */
function isGroup(word: string, table: CommandTable): boolean {
  return table.some((entry) => namesOf(entry).some((name) => name.startsWith(`${word} `)));
}

/** A group whose word alone is no command: all but `boot`. */
export function isOnlyGroup(word: string, table: CommandTable): boolean {
  return isGroup(word, table) && !table.some((entry) => isNamed(entry, word));
}

export function namesOf(entry: CommandEntry): readonly string[] {
  return [entry.name, ...entry.aliases];
}

function isNamed(entry: CommandEntry, name: string): boolean {
  return entry.name === name || entry.aliases.includes(name);
}

function unknownCommand(words: readonly string[], table: CommandTable): UsageError {
  const [first = "", second] = words;
  const isInGroup = isGroup(first, table) && second !== undefined && !second.startsWith("-");
  const before = isInGroup ? `${first} ` : "";
  const names = table
    .flatMap(namesOf)
    .filter((name) => name.includes(" ") === isInGroup && name.startsWith(before));
  const typed = isInGroup ? second : first;
  const hint = hintNearest(
    typed,
    names.map((name) => name.slice(before.length)),
    `bocker ${before}`,
  );
  return new UsageError(`unknown command: bocker ${before}${typed}`, "command", hint);
}

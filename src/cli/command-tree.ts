/**
 * The commands as a citty tree: what dispatches the commands that are not hot. Loaded lazily: citty costs 3 ms.
 *
 * citty keeps only the last of a repeated flag and takes flags that belong to the container, so leaves have no args of
 * its kind: they get the raw words, which parse-argv.ts reads.
 */
import { type CommandDef, defineCommand, runCommand, type SubCommandsDef } from "citty";
import type { CommandEntry, CommandTable } from "./command-table.ts";
import { type FoundCommand, namesOf } from "./find-command.ts";

/** Carries out one command with the words after its name; gives the exit code. */
export type RunEntry = (entry: CommandEntry, words: readonly string[]) => Promise<number>;

/** A tree with `container ls` as `ls` under `container`; each leaf calls `run`. */
function commandTree(table: CommandTable, run: RunEntry): CommandDef {
  const groups = new Map<string, SubCommandsDef>([["", {}]]);
  for (const entry of table) {
    for (const name of namesOf(entry)) {
      const [group, leaf] = name.includes(" ") ? splitOnce(name) : ["", name];
      const commands = groups.get(group) ?? {};
      commands[leaf] = leafCommand(entry, leaf, run);
      groups.set(group, commands);
    }
  }
  const top = groups.get("") ?? {};
  for (const [group, subCommands] of groups) {
    if (group !== "")
      top[group] = defineCommand({ meta: { name: group, description: `Manage ${group}s` }, subCommands });
  }
  return defineCommand({
    meta: { name: "bocker", description: "Containers with no daemon" },
    subCommands: top,
  });
}

/** Finds the command in the tree by its words and runs it; gives its exit code. */
export async function runThroughTree(
  found: FoundCommand,
  table: CommandTable,
  run: RunEntry,
): Promise<number> {
  let exitCode = 0;
  const tree = commandTree(table, async (entry, words) => {
    exitCode = await run(entry, words);
    return exitCode;
  });
  await runCommand(tree, { rawArgs: [...found.words, ...found.rest] });
  return exitCode;
}

function leafCommand(entry: CommandEntry, name: string, run: RunEntry): CommandDef {
  return defineCommand({
    meta: { name, description: entry.summary, hidden: name !== entry.name },
    run: async ({ rawArgs }) => {
      await run(entry, rawArgs);
    },
  });
}

function splitOnce(name: string): [string, string] {
  const space = name.indexOf(" ");
  return [name.slice(0, space), name.slice(space + 1)];
}

/**
 * Which pages docs/ has, and what they say once their made parts are up to date. Reads, and writes nothing.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandSpec } from "../../src/cli/command-spec.ts";
import { commandTable } from "../../src/cli/command-table.ts";
import { repositoryRoot } from "../lib/source-tree.ts";
import { escapeCell, fillPage, type MadeParts, madePartsOf, pageNameOf } from "./command-page.ts";
import { spellingPageParts } from "./spelling-table.ts";
import { tomlPageParts } from "./toml-table.ts";

/** Relative to the repository. */
export function pagePathOf(command: string): string {
  return `docs/command/${pageNameOf(command)}`;
}

export function loadCommands(): Promise<readonly CommandSpec[]> {
  return Promise.all(commandTable.map(async (entry) => (await entry.load()).command));
}

export function readPage(path: string): string {
  return readFileSync(join(repositoryRoot, path), "utf8");
}

/** Path to full text of every page with made parts. Leaves out commands that have no page. */
export async function fillDocs(): Promise<ReadonlyMap<string, string>> {
  const parts = new Map<string, MadeParts>();
  for (const spec of await loadCommands()) {
    const path = pagePathOf(spec.name);
    if (existsSync(join(repositoryRoot, path))) parts.set(path, madePartsOf(spec));
  }
  parts.set("docs/toml.md", tomlPageParts());
  parts.set("docs/spellings.md", spellingPageParts());
  parts.set("docs/README.md", { commands: renderCommandIndex() });
  return new Map([...parts].map(([path, each]) => [path, fillPage(readPage(path), each)]));
}

function renderCommandIndex(): string {
  const rows = commandTable
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, summary }) => `| [${name}](command/${pageNameOf(name)}) | ${escapeCell(summary)} |`);
  return ["| command | |", "|---|---|", ...rows].join("\n");
}

/**
 * One test for each page of docs/ whose name matches: its console examples run, and print what the page shows.
 */
import { test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expectShown, openPageStage, readSteps, runPage, withPrinted } from "./page-session.ts";
import { repositoryRoot } from "./source-tree.ts";

export function testDocsPages(folder: string, names: RegExp): void {
  const directory = join(repositoryRoot, folder);
  const pages = readdirSync(directory).filter((name) => name.endsWith(".md") && names.test(name));
  for (const name of pages.sort()) test(name, () => testPage(join(directory, name)), 60_000);
}

async function testPage(path: string): Promise<void> {
  const page = await Bun.file(path).text();
  if (readSteps(page).length === 0) return;
  await using stage = await openPageStage(page);
  let updated = page;
  for (const step of await runPage(page, stage)) {
    try {
      expectShown(step, stage);
    } catch (problem) {
      if (process.env.UPDATE_DOCS === undefined) throw problem;
      updated = withPrinted(updated, step, stage);
    }
  }
  if (updated !== page) writeFileSync(path, updated);
}

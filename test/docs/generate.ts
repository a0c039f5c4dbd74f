#!/usr/bin/env bun
/**
 * Writes the made parts of docs/ anew, and a skeleton for each command without a page: `npm run docs`.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../lib/source-tree.ts";
import { skeletonOf } from "./command-page.ts";
import { fillDocs, loadCommands, pagePathOf } from "./pages.ts";

for (const spec of await loadCommands()) {
  const path = join(repositoryRoot, pagePathOf(spec.name));
  if (existsSync(path)) continue;
  writeFileSync(path, skeletonOf(spec));
  console.log(`${pagePathOf(spec.name)}: new, to be written where it says TODO`);
}
for (const [path, text] of await fillDocs()) {
  const file = join(repositoryRoot, path);
  if (readFileSync(file, "utf8") === text) continue;
  writeFileSync(file, text);
  console.log(path);
}

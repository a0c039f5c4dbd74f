/**
 * The table of options' other names in docs/spellings.md, from the aliases and rewrites of run. Pure.
 */
import { runRewrites } from "../../src/cli/option-rewrite.ts";
import { runOptions } from "../../src/config/run-options.ts";
import type { MadeParts } from "./command-page.ts";

export function spellingPageParts(): MadeParts {
  const aliases = runOptions
    .filter(({ hidden }) => !hidden)
    .flatMap(({ name, aliases: others = [] }) => others.map((other) => [`--${other}`, `--${name}`]));
  const rewrites = Object.entries(runRewrites).map(([from, to]) => [from, to.join(" ")]);
  const rows = [...aliases, ...rewrites]
    .toSorted(([a = ""], [b = ""]) => (a.replace(/^-+/, "") < b.replace(/^-+/, "") ? -1 : 1))
    .map(([from, to]) => `| \`${from}\` | \`${to}\` |`);
  return { "run-spellings": ["| spelling | is read as |", "|---|---|", ...rows].join("\n") };
}

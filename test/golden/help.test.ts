/** Every help page, and that the table of commands says what the commands' own modules say. */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { commandTable } from "../../src/cli/command-table.ts";
import { runCommandOptions } from "../../src/cli/run-arguments.ts";
import { runInMemory } from "./cli-golden.ts";
import { expectGolden } from "./compare-golden.ts";

test("bocker --help", async () => {
  const { code, out, err } = await runInMemory(["--help"]);
  expect([code, err]).toEqual([0, ""]);
  expectGolden("help/bocker.txt", out);
});

describe("bocker COMMAND --help", () => {
  for (const entry of commandTable) {
    test(entry.name, async () => {
      const { code, out, err } = await runInMemory([...entry.name.split(" "), "--help"]);
      expect([code, err]).toEqual([0, ""]);
      expectGolden(`help/${entry.name.replaceAll(" ", "-")}.txt`, out);
    });
  }

  test("no page is left of a command that is gone", () => {
    const pages = readdirSync(join(import.meta.dir, "help")).sort();
    expect(pages).toEqual(
      [...commandTable.map(({ name }) => `${name.replaceAll(" ", "-")}.txt`), "bocker.txt"].sort(),
    );
  });
});

describe("the table is what the modules say", () => {
  for (const entry of commandTable) {
    test(entry.name, async () => {
      const { command } = await entry.load();
      const { name, summary, aliases } = entry;
      expect({ name: command.name, summary: command.summary, aliases: command.aliases ?? [] }).toEqual({
        name,
        summary,
        aliases,
      });
      expect(command.example).toMatch(new RegExp(`bocker (.* )?${name}`));
      for (const option of command.options) if (!option.hidden) expect(option.help).toMatch(/^[A-Z"].*[^.]$/);
    });
  }

  test("run and create take the same options", async () => {
    const specs = await Promise.all(
      commandTable
        .filter(({ name }) => name === "run" || name === "create")
        .map(async (entry) => (await entry.load()).command),
    );
    const clientOnly = ["detach", "sig-proxy", "detach-keys", "dry-run"];
    for (const { options } of specs) {
      const names = options.map(({ name }) => name);
      expect(
        runCommandOptions
          .map(({ name }) => name)
          .filter((name) => !names.includes(name) && !clientOnly.includes(name)),
      ).toEqual([]);
    }
  });
});

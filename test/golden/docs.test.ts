/**
 * docs/ says what the tables of commands and options say; every command has a page that somebody wrote; no link is
 * broken. Whether the examples run is test/integration/docs-*.test.ts.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { commandTable } from "../../src/cli/command-table.ts";
import { engineFileKeys, parseEngineFile } from "../../src/config/engine-file.ts";
import { resolveEngineSettings } from "../../src/config/engine-settings.ts";
import { fillPage, pageNameOf } from "../docs/command-page.ts";
import { fillDocs, pagePathOf, readPage } from "../docs/pages.ts";
import { parseMarkdownTable } from "../lib/markdown-table.ts";
import { repositoryRoot } from "../lib/source-tree.ts";

const folder = join(repositoryRoot, "docs");
const pages = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".md"))
  .map((name) => `docs/${name}`);

test("every command has a page, and every page a command", () => {
  // Missing one? `npm run docs` begins it; write what the command does, an example that runs, exit codes.
  expect(readdirSync(join(folder, "command")).sort()).toEqual(
    commandTable.map(({ name }) => pageNameOf(name)).sort(),
  );
});

test("the made parts are up to date", async () => {
  // Not so? `npm run docs`, or UPDATE_GOLDEN=1, makes them anew.
  for (const [path, text] of await fillDocs()) {
    if (process.env.UPDATE_GOLDEN) writeFileSync(join(repositoryRoot, path), text);
    expect({ path, text: readPage(path) }).toEqual({ path, text });
  }
});

describe("a command's page", () => {
  for (const { name } of commandTable) {
    test(name, () => {
      const page = readPage(pagePathOf(name));
      expect(page).toStartWith(`# bocker ${name}\n\n<!-- made: usage -->\n`);
      expect(page.match(/^## .*$/gm)).toEqual([
        "## Example",
        "## Exit codes",
        "## Beside docker",
        "## Options",
      ]);
      for (const [, body = ""] of page.matchAll(/^## .*\n([\s\S]*?)(?=^## |$(?![\s\S]))/gm))
        expect(body.trim()).not.toBe("");
      const [, written = ""] = /<!-- end -->\n([\s\S]*?)\n## Example/.exec(page) ?? [];
      expect(written.trim().length).toBeGreaterThan(40);
      expect(page).toContain("```console\n$ ");
      expect(page).toContain(`bocker ${name}`);
      expect(page).not.toContain("TODO");
    });
  }
});

test("links lead somewhere", () => {
  for (const path of [...pages, "README.md"]) {
    for (const [, target = ""] of readPage(path).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target)) continue;
      expect({ path, target, exists: existsSync(join(repositoryRoot, dirname(path), target)) }).toEqual({
        path,
        target,
        exists: true,
      });
    }
  }
});

describe("docs/toml.md about the engine's configuration", () => {
  const page = readPage("docs/toml.md");
  const rows = parseMarkdownTable(page, ["engine key", "default", "meaning"]);
  const defaultOf = new Map(rows.map(([key = "", value = ""]) => [key.replaceAll("`", ""), value]));

  test("every key", () => {
    expect([...defaultOf.keys()].sort()).toEqual([...engineFileKeys()].sort());
  });

  test("true defaults", () => {
    const { root, runRoot, storageDriver, cdiFolders, network, registries } = resolveEngineSettings(
      {},
      {},
      {},
    );
    const actual = {
      root,
      "run-root": runRoot,
      "storage-driver": storageDriver,
      "cdi-spec-dirs": cdiFolders.join(", "),
      "network.bridge": network.bridge,
      "network.mtu": String(network.mtu),
      "network.firewall": network.firewall,
      "network.publish-policy": network.publishPolicy,
      "network.table": network.table,
      "network.pools": network.pools.join(", "),
      "registry.certificate-folders": registries.certificateFolders.join(", "),
    };
    const said = Object.keys(actual).map((key) => [key, defaultOf.get(key)?.replaceAll("`", "")]);
    expect(Object.fromEntries(said)).toEqual(actual);
  });

  test("an example that is accepted", () => {
    const [, example = ""] = /```toml\n([\s\S]*?)```/.exec(page) ?? [];
    const file = parseEngineFile(new TextEncoder().encode(example), "config.toml", {});
    expect(file).toMatchObject({ storageDriver: "overlay", network: { publishPolicy: "respect-host" } });
    expect(file.container?.get("memory")).toBe("1g");
  });
});

test("a made part needs its place", () => {
  const page = "a\n<!-- made: x -->\nold $1\n<!-- end -->\nb\n";
  expect(fillPage(page, { x: "new $& $1" })).toBe("a\n<!-- made: x -->\nnew $& $1\n<!-- end -->\nb\n");
  expect(() => fillPage(page, { y: "" })).toThrow('no "<!-- made: y -->"');
});

/**
 * README.md's commands, run as they are written there; what they print is compared line by line.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readPage } from "../docs/pages.ts";
import { expectShown, openPageStage, type PageStage, readSteps, runPage } from "../lib/page-session.ts";

const page = readPage("README.md");
let stage: PageStage;
beforeAll(async () => {
  stage = await openPageStage(page);
});
afterAll(() => stage[Symbol.asyncDispose]());

test("the first command greets from a container", async () => {
  const [, command = ""] = /\.\/install\.sh && (bocker .*)/.exec(page) ?? [];
  const [greeting] = await runPage(`\`\`\`console\n$ ${command}\n\`\`\``, stage);
  expect(greeting?.lines).toEqual(["hello from a container"]);
});

test("the tour prints what the page shows", async () => {
  expect(readSteps(page).length).toBeGreaterThan(6);
  for (const step of await runPage(page, stage)) expectShown(step, stage);
}, 60_000);

test("every command and option that the page names in passing exists", async () => {
  const inline = [...page.matchAll(/`bocker ([a-z]+)([^`]*)`/g)];
  expect(inline.length).toBeGreaterThan(3);
  for (const [, command = "", rest = ""] of inline) {
    if (command === "help") continue;
    const help = await stage.bocker.run("help", command);
    expect({ command, exitCode: help.exitCode }).toEqual({ command, exitCode: 0 });
    for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(help.stdout).toContain(option);
  }
});

/**
 * README.md's commands, run as they are written there; what they print is compared line by line.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { repositoryRoot } from "../lib/source-tree.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

const page = readFileSync(join(repositoryRoot, "README.md"), "utf8");
let bocker: Workspace;
let port = 0;
beforeAll(() => {
  bocker = openWorkspace();
  symlinkSync(bockerBinary(), join(bocker.directory, "bocker"));
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  port = listener.port;
  listener.stop(true);
});
afterAll(() => bocker[Symbol.asyncDispose]());

interface Session {
  readonly command: string;
  /** Lines that the page shows under it. */
  readonly shown: readonly string[];
}

/** The commands of all console blocks, in order. */
function readSessions(): Session[] {
  const blocks = [...page.matchAll(/```console\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
  return blocks
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((text) => {
      const [command = "", ...shown] = text.trimEnd().split("\n");
      return { command, shown: shown.filter((line) => line !== "…") };
    });
}

/** What differs between any two runs: ids, times, the workspace's own paths and port, and column widths. */
function normalise(line: string): string {
  return line
    .replaceAll(bocker.root, "/var/lib/bocker")
    .replaceAll(String(port), "8080")
    .replace(/\b[0-9a-f]{64}\b/g, "ID")
    .replace(/\b[0-9a-f]{12}\b/g, "SHORT")
    .replace(/(Less than a second|\d+ seconds?)( ago)?/g, "TIME$2")
    .replace(/ {2,}/g, "  ")
    .trimEnd();
}

/** Runs one line with a shell, `bocker` being this workspace's; the embedded image stands in for alpine. */
async function runLine(command: string): Promise<{ exitCode: number; lines: string[]; stderr: string }> {
  const line = command.replaceAll("8080", String(port)).replaceAll("alpine", "busybox");
  const child = Bun.spawn(["sh", "-c", line], {
    cwd: bocker.directory,
    env: { ...bocker.env, PATH: `${bocker.directory}:${process.env.PATH}` },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { exitCode: await child.exited, lines: stdout.split("\n").map(normalise), stderr };
}

test("the first command greets from a container", async () => {
  const [, command = ""] = /\.\/install\.sh && (bocker .*)/.exec(page) ?? [];
  const { exitCode, lines } = await runLine(command);
  expect({ exitCode, lines }).toEqual({ exitCode: 0, lines: ["hello from a container", ""] });
});

test("the tour prints what the page shows", async () => {
  const sessions = readSessions();
  expect(sessions.length).toBeGreaterThan(6);
  for (const { command, shown } of sessions) {
    // The server in the container takes a moment before it listens.
    if (command.startsWith("curl")) await Bun.sleep(300);
    const { exitCode, lines, stderr } = await runLine(command);
    expect({ command, exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({
      command,
      exitCode: 0,
      stderr: "",
    });
    for (const line of shown) expect(lines).toContain(normalise(line));
  }
}, 60_000);

test("every command and option that the page names in passing exists", async () => {
  const inline = [...page.matchAll(/`bocker ([a-z]+)([^`]*)`/g)];
  expect(inline.length).toBeGreaterThan(3);
  for (const [, command = "", rest = ""] of inline) {
    if (command === "help") continue;
    const help = await bocker.run("help", command);
    expect({ command, exitCode: help.exitCode }).toEqual({ command, exitCode: 0 });
    for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(help.stdout).toContain(option);
  }
});

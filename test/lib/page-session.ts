/**
 * The console examples of a Markdown page, run in order with a workspace of their own; what they print is compared
 * with what the page shows.
 *
 *     $ bocker run --name web … \       a command; lines that begin with "> " belong to it
 *     > busybox httpd
 *     shown line                        must be printed, in this order and with nothing between
 *     …                                 any lines; within a line, any text
 *
 * What differs between two runs (ids, times, sizes, addresses) counts as equal. A command with no shown lines may
 * print what it likes. One that fails must be followed by `$ echo $?`. In pages, `localhost:5000` is a real registry,
 * 8080 and 8081 are free ports. UPDATE_DOCS=1 writes what was printed where it differs: the diff is for a person to read.
 */
import { expect } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "./bocker-binary.ts";
import { type RegistryFixture, startRegistry } from "./registry-fixture.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

export interface PageStep {
  /** As a shell reads it. */
  readonly command: string;
  /** Lines that the page shows under it. */
  readonly shown: readonly string[];
}

/** The commands of all console blocks, in order. */
export function readSteps(page: string): readonly PageStep[] {
  const blocks = [...page.matchAll(/```console\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
  return blocks.flatMap((block) => block.split(/^\$ /m).slice(1)).map(parseStep);
}

function parseStep(text: string): PageStep {
  const lines = text.trimEnd().split("\n");
  const more = lines.findIndex((line, at) => at > 0 && !line.startsWith("> "));
  const own = lines.slice(0, more < 0 ? lines.length : more);
  const command = own.map((line, at) => (at === 0 ? line : line.slice(2))).join("\n");
  return { command, shown: lines.slice(own.length) };
}

/** What stands in for the names that pages use. */
export interface PageNames {
  /** Pairs of what a page says and what is meant here. */
  readonly names: readonly (readonly [page: string, here: string])[];
}

export interface PageStage extends PageNames, AsyncDisposable {
  readonly bocker: Workspace;
}

/** Opens a workspace for one page, with `bocker` in its directory, and a registry if the page speaks of one. */
export async function openPageStage(page: string): Promise<PageStage> {
  const registry: RegistryFixture | undefined = page.includes("localhost:5000")
    ? await startRegistry()
    : undefined;
  const bocker = openWorkspace();
  symlinkSync(bockerBinary(), join(bocker.directory, "bocker"));
  const [first, second] = freePorts();
  return {
    bocker,
    names: [
      ["/var/lib/bocker", bocker.root],
      ["/run/bocker", bocker.runRoot],
      ["/home/ann", bocker.directory],
      ["localhost:5000", registry?.host ?? "localhost:5000"],
      ["8080", String(first)],
      ["8081", String(second)],
      ["bocker0", bocker.bridge],
      ["172.30.0.", `${bocker.subnetPrefix}.`],
    ],
    async [Symbol.asyncDispose]() {
      await bocker[Symbol.asyncDispose]();
      await registry?.[Symbol.asyncDispose]();
    },
  };
}

/** Two ports that nobody has. */
function freePorts(): [number, number] {
  const open = () => Bun.listen({ hostname: "0.0.0.0", port: 0, socket: { data: () => undefined } });
  const listeners = [open(), open()] as const;
  for (const listener of listeners) listener.stop(true);
  return [listeners[0].port, listeners[1].port];
}

interface Printed {
  readonly exitCode: number;
  readonly lines: readonly string[];
}

/** Runs one command with a shell, both its streams in one, as a terminal shows them. */
async function runStep(stage: PageStage, command: string, before: number): Promise<Printed> {
  const line = stage.names.reduce((text, [page, here]) => text.replaceAll(page, here), command);
  const child = Bun.spawn(["sh", "-c", `exec 2>&1; (exit ${before})\n${line}`], {
    cwd: stage.bocker.directory,
    env: { ...stage.bocker.env, PATH: `${stage.bocker.directory}:${process.env.PATH}` },
    stdin: "ignore",
    stdout: "pipe",
  });
  const text = (await child.stdout.text()).trimEnd();
  return { exitCode: await child.exited, lines: text === "" ? [] : text.split("\n") };
}

/** A server that was started by the step before takes a moment before it listens. */
async function runPatiently(stage: PageStage, command: string, before: number): Promise<Printed> {
  const deadline = performance.now() + 40_000;
  for (;;) {
    const printed = await runStep(stage, command, before);
    if (!command.startsWith("curl") || printed.exitCode === 0 || performance.now() > deadline) return printed;
    await Bun.sleep(50);
  }
}

/** Runs the steps of one page; throws where one fails, or prints something else than the page shows. */
export async function runPage(page: string, stage: PageStage): Promise<readonly (PageStep & Printed)[]> {
  const done: (PageStep & Printed)[] = [];
  const steps = readSteps(page);
  let exitCode = 0;
  for (const [at, step] of steps.entries()) {
    const printed = await runPatiently(stage, step.command, exitCode);
    exitCode = printed.exitCode;
    const mayFail = steps[at + 1]?.command === "echo $?";
    if (exitCode !== 0 && !mayFail)
      throw new Error(`$ ${step.command}\nexit code ${exitCode}\n${printed.lines.join("\n")}`);
    done.push({ ...step, ...printed });
  }
  return done;
}

/** Fails the test unless the lines are those shown. */
export function expectShown({ command, shown, lines }: PageStep & Printed, stage: PageNames): void {
  if (shown.length === 0) return;
  const want = shown.map((line) => normalise(line, stage));
  const got = lines.map((line) => normalise(line, stage));
  if (!patternOf(want).test(got.map((line) => `${line}\n`).join("")))
    expect({ command, lines: got }).toEqual({ command, lines: want });
}

/** `…` alone on a line is any lines, within one any text. */
function patternOf(lines: readonly string[]): RegExp {
  const parts = lines.map((line) =>
    line.trim() === "…" ? "(?:.*\\n)*?" : `${line.split("…").map(RegExp.escape).join(".*")}\\n`,
  );
  return new RegExp(`^${parts.join("")}$`);
}

function asPageSays(line: string, { names }: PageNames): string {
  return names.reduce((text, [page, here]) => text.replaceAll(here, page), line);
}

/** A line without what differs between any two runs. */
export function normalise(line: string, stage: PageNames): string {
  return asPageSays(line, stage)
    .replace(/\b[0-9a-f]{64}\b/g, "ID")
    .replace(/\b[0-9a-f]{12}\b/g, "SHORT")
    .replace(/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, "MAC")
    .replace(/\b172\.(29|30)\.\d+\./g, "NET.")
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d:?\d\d)?( \+0000 UTC)?/g, "TIME")
    .replace(
      /(Less than a second|About an? (minute|hour)|\d+ (seconds?|minutes?|hours|days|weeks|months|years))( ago)?/g,
      "TIME$4",
    )
    .replace(/\b[0-9a-z]{25}\b/g, "SECRET")
    .replace(/\b\d+(\.\d+)? ?([kKMG]i?)?B\b/g, "SIZE")
    .replace(/\b\d+(\.\d+)?%/g, "PERCENT")
    .replace(/\b\d{5,}\b/g, "NUMBER")
    .replace(/ {2,}|\t+/g, "  ")
    .trimEnd();
}

/** The page with what was printed in place of what it shows. */
export function withPrinted(page: string, step: PageStep & Printed, stage: PageNames): string {
  const said = step.command.split("\n").join("\n> ");
  const old = `$ ${said}\n${step.shown.map((line) => `${line}\n`).join("")}`;
  const printed = step.lines.map((line) => asPageSays(line, stage).trimEnd());
  return page.replace(old, () => `$ ${said}\n${printed.map((line) => `${line}\n`).join("")}`);
}

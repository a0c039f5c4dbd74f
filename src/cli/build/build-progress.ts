/**
 * Showing a build as docker's buildx does, line for line: the plain form, and what every form says of a step that failed.
 *
 *   #5 [2/4] RUN make
 *   #5 0.312 cc -o x x.c
 *   #5 DONE 1.2s
 *
 * Numbers are given in the order in which steps are first heard of.
 */
import type { BuildEvent, BuildSource } from "../../engine/run-build.ts";
import type { Output } from "../command-spec.ts";
import { LineSplitter, printableLine } from "./line-splitter.ts";

export interface BuildProgress {
  event(event: BuildEvent): void;
  /** Known before the first step of the Dockerfile. */
  source(source: BuildSource): void;
  /** Everything that can be said is said; a terminal is left tidy. */
  end(): void;
}

export interface StepView {
  readonly number: number;
  readonly title: string;
  readonly location: { readonly line: number; readonly endLine: number } | undefined;
  readonly startedAtMs: number;
  readonly splitter: LineSplitter;
  /** Lines of its output, for when it fails. */
  readonly lines: string[];
  /** Its title has been shown. */
  isIntroduced: boolean;
}

/** The whole output of a failing step is kept; of one that prints without end only the last of it. */
const keptLines = 10_000;

/** Steps by what the engine calls them, with the numbers that people see. */
export class StepBook {
  readonly steps = new Map<number, StepView>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  start(event: Extract<BuildEvent, { kind: "started" }>): StepView {
    const step: StepView = {
      number: this.steps.size + 1,
      title: printableLine(event.title),
      location: event.location,
      startedAtMs: this.#nowMs(),
      splitter: new LineSplitter(),
      lines: [],
      isIntroduced: false,
    };
    this.steps.set(event.step, step);
    return step;
  }

  find(step: number): StepView | undefined {
    return this.steps.get(step);
  }

  seconds(step: StepView): string {
    return ((this.#nowMs() - step.startedAtMs) / 1000).toFixed(3);
  }

  keep(step: StepView, line: string): void {
    step.lines.push(line);
    if (step.lines.length > keptLines) step.lines.splice(0, keptLines / 2);
  }
}

/** Lines that are not redrawn: for files, pipes, and `--progress plain`. */
export function createPlainProgress(output: Output, nowMs = () => performance.now()): BuildProgress {
  const lines = new PlainLines(output, nowMs);
  return {
    source: (source) => lines.failures.setSource(source),
    event: (event) => lines.take(event),
    end: () => lines.end(),
  };
}

class PlainLines {
  readonly failures = new FailureNote();
  readonly #book: StepBook;
  readonly #running = new Set<StepView>();
  /** Whose line was the last. */
  #last: StepView | undefined;

  constructor(
    private readonly output: Output,
    nowMs: () => number,
  ) {
    this.#book = new StepBook(nowMs);
  }

  take(event: BuildEvent): void {
    if (event.kind === "warning") this.failures.warn(event);
    else if (event.kind === "started") this.#start(this.#book.start(event));
    else {
      const step = this.#book.find(event.step);
      if (step === undefined) return;
      if (event.kind === "output") this.#tell(step, step.splitter.push(event.bytes));
      else if (event.kind === "progress") this.#say(step, printableLine(event.text));
      else this.#finish(step, event);
    }
  }

  end(): void {
    this.output.write(`${this.#last === undefined ? "" : "\n"}${this.failures.render()}`);
  }

  /** While another step has the word, one that starts waits: it may have ended before it needs a heading. */
  #start(step: StepView): void {
    this.#running.add(step);
    if (this.#running.size === 1) this.#introduce(step);
  }

  #finish(step: StepView, event: Ending): void {
    this.#tell(step, step.splitter.end());
    this.#say(step, endingOf(event));
    if (event.kind === "failed") this.failures.fail(step);
    this.#running.delete(step);
    const [next] = this.#running;
    if (next !== undefined && !next.isIntroduced) this.#introduce(next);
  }

  #tell(step: StepView, lines: readonly string[]): void {
    for (const line of lines) {
      this.#book.keep(step, line);
      this.#say(step, `${this.#book.seconds(step)} ${line}`);
    }
  }

  /** Steps that take turns are parted by an empty line, and named again. */
  #introduce(step: StepView): void {
    this.output.write(`${this.#last === undefined ? "" : "\n"}#${step.number} ${step.title}\n`);
    this.#last = step;
    step.isIntroduced = true;
  }

  #say(step: StepView, text: string): void {
    if (this.#last !== step) this.#introduce(step);
    this.output.write(`#${step.number} ${text}\n`);
  }
}

/** Nothing but the failing step: `-q`. */
export function createQuietProgress(output: Output, nowMs = () => performance.now()): BuildProgress {
  const book = new StepBook(nowMs);
  const failures = new FailureNote();
  return {
    source: (source) => failures.setSource(source),
    event(event) {
      if (event.kind === "warning") return;
      if (event.kind === "started") book.start(event);
      const step = book.find(event.step);
      if (step === undefined) return;
      if (event.kind === "output") for (const line of step.splitter.push(event.bytes)) book.keep(step, line);
      if (event.kind !== "failed") return;
      for (const line of step.splitter.end()) book.keep(step, line);
      failures.fail(step);
    },
    end: () => output.write(failures.render()),
  };
}

type Ending = Extract<BuildEvent, { kind: "cached" | "done" | "failed" | "cancelled" }>;

function endingOf(event: Ending): string {
  if (event.kind === "cached") return "CACHED";
  if (event.kind === "cancelled") return "CANCELED";
  if (event.kind === "failed") return `ERROR: ${event.message.split("\n")[0]}`;
  return `DONE ${(event.ms / 1000).toFixed(1)}s`;
}

/** What is left to say at the end: warnings, the failing step's output, and its place in the Dockerfile. */
export class FailureNote {
  #source: BuildSource | undefined;
  #failed: StepView | undefined;
  readonly #warnings: string[] = [];

  setSource(source: BuildSource): void {
    this.#source = source;
  }

  /** The first is the one that matters: others are its consequences. */
  fail(step: StepView): void {
    this.#failed ??= step;
  }

  warn({ message, location }: Extract<BuildEvent, { kind: "warning" }>): void {
    const place = location === undefined ? "" : ` (line ${location.line})`;
    this.#warnings.push(` - ${printableLine(message)}${place}\n`);
  }

  render(): string {
    return this.#renderWarnings() + this.#renderFailure();
  }

  #renderWarnings(): string {
    const count = this.#warnings.length;
    if (count === 0) return "";
    const text = count === 1 ? "1 warning found:" : `${count} warnings found:`;
    return ` ${text}\n${this.#warnings.join("")}`;
  }

  #renderFailure(): string {
    const step = this.#failed;
    if (step === undefined) return "";
    const lines = step.lines.map((line) => `${line}\n`).join("");
    const output = `------\n > ${step.title}:\n${lines}------\n`;
    if (step.location === undefined || this.#source === undefined) return output;
    return output + renderListing(this.#source, step.location);
  }
}

const contextLines = 3;

/** docker's listing: the instruction's lines marked, and some around them. Pure. */
export function renderListing(
  { text, path }: BuildSource,
  { line, endLine }: { readonly line: number; readonly endLine: number },
): string {
  const all = text.split(/\r?\n/);
  if (all.at(-1) === "") all.pop();
  const first = Math.max(1, line - contextLines);
  const last = Math.min(all.length, endLine + contextLines);
  const rows: string[] = [];
  for (let at = first; at <= last; at++) {
    const mark = at >= line && at <= endLine ? ">>>" : "   ";
    rows.push(`${String(at).padStart(4)} | ${mark} ${printableLine(all[at - 1] ?? "")}\n`);
  }
  const rule = `${"-".repeat(20)}\n`;
  return `${path}:${line}\n${rule}${rows.join("")}${rule}`;
}

/**
 * A build on a terminal: a list of its steps that is drawn again in place, the running ones with their last lines.
 *
 * No more is drawn than the window has rows for, so that nothing scrolls away which is to be drawn again; the whole list is
 * written once, at the end.
 */
import type { BuildEvent } from "../../engine/run-build.ts";
import type { Output } from "../command-spec.ts";
import { type BuildProgress, FailureNote, StepBook, type StepView } from "./build-progress.ts";
import { printableLine } from "./line-splitter.ts";

const redrawMs = 100;
/** Of a running step's output. */
const tailLines = 6;

interface LiveStep {
  readonly view: StepView;
  state: "running" | "cached" | "done" | "failed" | "cancelled";
  endedMs: number | undefined;
  /** How far it says it is. */
  note: string;
}

export interface LiveOptions {
  /** undefined and 0: nobody knows, as of some pseudo-terminals. */
  readonly rows: () => number | undefined;
  readonly nowMs?: () => number;
  readonly colors: { blue(text: string): string; red(text: string): string; dim(text: string): string };
}

/** Draws with a timer of its own until `end`. */
export function createLiveProgress(output: Output, options: LiveOptions): BuildProgress {
  const { nowMs = () => performance.now() } = options;
  const board = new Board(output, options, nowMs);
  const timer = setInterval(() => board.draw(), redrawMs);
  return {
    source: (source) => board.failures.setSource(source),
    event: (event) => board.take(event),
    end() {
      clearInterval(timer);
      board.finish();
    },
  };
}

class Board {
  readonly failures = new FailureNote();
  readonly #book: StepBook;
  readonly #steps = new Map<number, LiveStep>();
  readonly #beganMs: number;
  #drawnRows = 0;

  constructor(
    private readonly output: Output,
    private readonly options: LiveOptions,
    private readonly nowMs: () => number,
  ) {
    this.#book = new StepBook(nowMs);
    this.#beganMs = nowMs();
  }

  take(event: BuildEvent): void {
    if (event.kind === "warning") {
      this.failures.warn(event);
      return;
    }
    if (event.kind === "started") {
      const view = this.#book.start(event);
      this.#steps.set(event.step, { view, state: "running", endedMs: undefined, note: "" });
      return;
    }
    const step = this.#steps.get(event.step);
    if (step === undefined) return;
    if (event.kind === "progress") step.note = printableLine(event.text);
    else if (event.kind === "output") {
      for (const line of step.view.splitter.push(event.bytes)) this.#book.keep(step.view, line);
    } else this.#end(step, event);
  }

  #end(
    step: LiveStep,
    event: Extract<BuildEvent, { kind: "cached" | "done" | "failed" | "cancelled" }>,
  ): void {
    for (const line of step.view.splitter.end()) this.#book.keep(step.view, line);
    step.state = event.kind;
    step.endedMs = event.ms;
    if (event.kind === "failed") this.failures.fail(step.view);
  }

  draw(): void {
    const room = Math.max(2, (this.options.rows() || 24) - 2);
    const rows = this.#rows(room - 1);
    this.#replace([this.#heading(), ...rows]);
  }

  /** The whole list, without tails, and what there is to say after it. */
  finish(): void {
    const rows = [...this.#steps.values()].map((step) => this.#row(step));
    this.#replace([this.#heading(), ...rows]);
    this.output.write(this.failures.render());
  }

  #replace(rows: readonly string[]): void {
    const up = this.#drawnRows === 0 ? "" : `\x1b[${this.#drawnRows}A\r\x1b[J`;
    this.output.write(`${up}${rows.map((row) => `${row}\n`).join("")}`);
    this.#drawnRows = rows.length;
  }

  #heading(): string {
    const all = [...this.#steps.values()];
    const ended = all.filter(({ state }) => state !== "running").length;
    const seconds = ((this.nowMs() - this.#beganMs) / 1000).toFixed(1);
    const isOver = ended === all.length && ended > 0;
    return this.#fit(`[+] Building ${seconds}s (${ended}/${all.length})${isOver ? " FINISHED" : ""}`, "");
  }

  /** Running steps first get their room; of those that have ended the latest are shown. */
  #rows(room: number): readonly string[] {
    const all = [...this.#steps.values()];
    const running = all.filter(({ state }) => state === "running");
    const perStep = Math.max(0, Math.min(tailLines, Math.floor(room / Math.max(1, running.length)) - 1));
    const blocks = all.map((step) => [this.#row(step), ...this.#tail(step, perStep)]);
    const rows = blocks.flat();
    return rows.length <= room ? rows : rows.slice(rows.length - room);
  }

  #row(step: LiveStep): string {
    const { view, state, endedMs } = step;
    const { blue, red, dim } = this.options.colors;
    const seconds = ((endedMs ?? this.nowMs() - view.startedAtMs) / 1000).toFixed(1);
    const word = { running: "", cached: "CACHED ", done: "", failed: "ERROR ", cancelled: "CANCELED " }[
      state
    ];
    const text = this.#fit(` => ${word}${view.title}`, `${seconds}s`);
    if (state === "failed") return red(text);
    return state === "running" ? text : state === "cancelled" ? dim(text) : blue(text);
  }

  #tail({ state, view, note }: LiveStep, count: number): readonly string[] {
    if (state !== "running" || count === 0) return [];
    const lines = view.lines.length > 0 ? view.lines.slice(-count) : note === "" ? [] : [note];
    return lines.map((line) => this.options.colors.dim(this.#fit(` => => # ${line}`, "")));
  }

  /** One row and no more: what wraps could not be drawn over. */
  #fit(left: string, right: string): string {
    // Some pseudo-terminals say that they have no columns at all.
    const width = Math.max(20, (this.output.columns || 80) - 1);
    const room = width - right.length - (right === "" ? 0 : 1);
    const cut = [...left.replaceAll("\t", " ")].slice(0, room).join("");
    return right === "" ? cut : `${cut}${" ".repeat(Math.max(1, width - right.length - cut.length))}${right}`;
  }
}

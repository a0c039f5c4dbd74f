/**
 * What is wrong with a template, in docker's words: `template: :1:2: executing "" at <.Foo>: …`.
 */
import { BockerError } from "../../errors.ts";

/** A mistake found while parsing (no context), or while executing (with the text of the node). */
export class TemplateError extends BockerError {
  /** Without what the command puts before it. */
  readonly problem: string;
  readonly isParsing: boolean;

  constructor(source: string, at: number, reason: string, context?: string) {
    const before = source.slice(0, at);
    const line = before.split("\n").length;
    const column = at - (before.lastIndexOf("\n") + 1);
    const place = context === undefined ? `:${line}` : `:${line}:${column}: executing "" at <${context}>`;
    const problem = `template: ${place}: ${reason}`;
    super(`template parsing error: ${problem}`, { kind: "usage" });
    this.problem = problem;
    this.isParsing = context === undefined;
    this.name = "TemplateError";
  }
}

/**
 * `--format`: Go templates over plain JSON values. Signatures; the lexer, parser and evaluator are beside it.
 */

/** Parses once; throws BockerError with docker's phrase `template parsing error: template: :1: …`. */
export type ParseFormat = (template: string, options?: FormatOptions) => Format;

export interface FormatOptions {
  /** Missing keys are errors (inspect) rather than `<no value>` (ps, images). */
  readonly strict?: boolean;
  /** Column titles of a `table` template: `{ ID: "CONTAINER ID" }`; unknown names are upper-cased. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Format {
  /** All rows, each ended with a newline; with a header line and columns for a `table` template. */
  renderRows(rows: readonly unknown[]): string;
  /** One value, no newline added. */
  render(value: unknown): string;
}

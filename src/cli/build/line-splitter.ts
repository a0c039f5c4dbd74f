/**
 * A program's bytes to lines that can be shown among others: whole characters, no cursor movements. Pure.
 */

/** A line without an end is handed on when it has grown to this. */
const maxLine = 16 * 1024;

export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** The lines that are complete now. */
  push(bytes: Uint8Array): readonly string[] {
    const parts = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = parts.pop() ?? "";
    if (this.#rest.length > maxLine) {
      parts.push(this.#rest);
      this.#rest = "";
    }
    return parts.map(printableLine);
  }

  /** What is left when nothing more comes. */
  end(): readonly string[] {
    const rest = this.#rest + this.#decoder.decode();
    this.#rest = "";
    return rest === "" ? [] : [printableLine(rest)];
  }
}

/** Of a line that was redrawn by carriage returns, what was last there; colours and other orders are left out. */
export function printableLine(line: string): string {
  const shown = line.replace(/\r+$/, "");
  const last = shown.slice(shown.lastIndexOf("\r") + 1);
  return (
    last
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
      .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g, "")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")
  );
}

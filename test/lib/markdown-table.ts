/**
 * Reads tables out of the repository's own Markdown pages, so that tests hold the code to what is written there.
 */

/** The rows (without the head) of the first table whose head's cells are exactly `head`; throws if there is none. */
export function parseMarkdownTable(page: string, head: readonly string[]): readonly (readonly string[])[] {
  const lines = page.split("\n");
  const start = lines.findIndex((line) => line.startsWith("|") && cellsOf(line).join("|") === head.join("|"));
  if (start < 0) throw new Error(`no table with the columns ${head.join(", ")}`);
  const rows: (readonly string[])[] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("|")) break;
    rows.push(cellsOf(line));
  }
  return rows;
}

function cellsOf(line: string): string[] {
  return line
    .trim()
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());
}

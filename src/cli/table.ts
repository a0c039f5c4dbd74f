/**
 * Columns of text as docker's tables print them (Go's tabwriter with minwidth 10, padding 3). Pure.
 */

const defaultMinimumWidth = 10;
const padding = 3;

/**
 * Lines of cells in columns, each column as wide as its longest cell plus three spaces and at least ten; the last
 * column is left as it is. Ends with a newline; no rows and no header: empty.
 */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  minimumWidth = defaultMinimumWidth,
): string {
  return renderColumns(header.length === 0 ? rows : [header, ...rows], minimumWidth);
}

/** The same without a header line: what `table` templates and help pages use. */
export function renderColumns(
  rows: readonly (readonly string[])[],
  minimumWidth = defaultMinimumWidth,
): string {
  // tabwriter counts characters; only surrogate pairs make that differ from the length, and padEnd counts as length does.
  const isPlain = !hasSurrogates(rows.join());
  const widths: number[] = [];
  for (const row of rows) {
    for (let column = 0; column < row.length - 1; column++) {
      const cell = row[column] ?? "";
      const width = (isPlain ? cell.length : [...cell].length) + padding;
      if (width > (widths[column] ?? 0)) widths[column] = Math.max(minimumWidth, width);
    }
  }
  return rows.map((row) => `${renderRow(row, widths, isPlain)}\n`).join("");
}

/** By the bytes that characters beyond 16 bits begin with in UTF-8: a regular expression takes many times as long. */
function hasSurrogates(text: string): boolean {
  const bytes = Buffer.from(text);
  return [0xf0, 0xf1, 0xf2, 0xf3, 0xf4].some((lead) => bytes.includes(lead));
}

function renderRow(row: readonly string[], widths: readonly number[], isPlain: boolean): string {
  const last = row.length - 1;
  let line = "";
  for (let column = 0; column < last; column++) {
    const cell = row[column] ?? "";
    const width = widths[column] ?? 0;
    line += isPlain ? cell.padEnd(width) : cell + " ".repeat(width - [...cell].length);
  }
  return line + (row[last] ?? "");
}

/** The first 12 digits of a container's or image's id, without `sha256:`. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, "").slice(0, 12);
}

/** docker's cut of long cells: at most `limit` characters, the last a `…`. */
export function ellipsis(text: string, limit: number): string {
  const characters = [...text];
  return characters.length <= limit ? text : `${characters.slice(0, limit - 1).join("")}…`;
}

const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** go-units' HumanSizeWithPrecision(3): `4.27MB`, as `images` and progress bars show sizes. */
export function renderSize(bytes: number): string {
  return scaled(bytes, 1000, decimalUnits, 3);
}

/** go-units' HumanSize: `16.43MB`, as `system df` and the prune commands show sizes. */
export function renderExactSize(bytes: number): string {
  return scaled(bytes, 1000, decimalUnits, 4);
}

/** go-units' BytesSize: `7.668GiB`, as `stats` and `info` show memory. */
export function renderMemorySize(bytes: number): string {
  return scaled(bytes, 1024, binaryUnits, 4);
}

function scaled(bytes: number, base: number, units: readonly string[], precision: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit += 1;
  }
  return `${Number(value.toPrecision(precision))}${units[unit]}`;
}

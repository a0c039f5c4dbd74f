/**
 * `--mount` and `--network` values: one line of comma separated `key=value` fields, quoted as Go's encoding/csv
 * reads them. Pure.
 */

export interface CsvField {
  readonly key: string;
  /** undefined: the field had no `=`. */
  readonly value: string | undefined;
  readonly text: string;
}

/** Throws Error(reason) for an empty line and for quotes that do not close. */
export function parseCsvFields(line: string): readonly CsvField[] {
  if (line === "") throw new Error("EOF");
  const fields: string[] = [];
  let rest = line;
  for (;;) {
    const match = /^(?:"((?:[^"]|"")*)"|([^",]*))(?:,|$)/.exec(rest);
    if (!match) throw new Error(`parse error on line 1: bare or unclosed " in field ${fields.length + 1}`);
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (!match[0].endsWith(",") || match[0].length === 0) break;
    rest = rest.slice(match[0].length);
  }
  return fields.map(splitField);
}

function splitField(text: string): CsvField {
  const equals = text.indexOf("=");
  return equals < 0
    ? { key: text.toLowerCase(), value: undefined, text }
    : { key: text.slice(0, equals).toLowerCase(), value: text.slice(equals + 1), text };
}

/** The line that parseCsvFields reads back; a value of `true` is a bare key. */
export function renderCsvFields(fields: readonly (readonly [string, string | true])[]): string {
  return fields
    .map(([key, value]) => (value === true ? key : `${key}=${value}`))
    .map((field) => (/[",\n\r]/.test(field) || field === "" ? `"${field.replaceAll('"', '""')}"` : field))
    .join(",");
}

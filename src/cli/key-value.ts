/**
 * Words `key=value` of repeatable options as one record; a word without `=` is a key with an empty value. Pure.
 */

/** Later words win. */
export function keyValues(words: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words.map((word) => {
      const equals = word.indexOf("=");
      return equals < 0 ? [word, ""] : [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );
}

/** docker's LABELS cell: `a=1,b=2`, sorted. */
export function renderKeyValues(record: Readonly<Record<string, string>>): string {
  return Object.entries(record)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");
}

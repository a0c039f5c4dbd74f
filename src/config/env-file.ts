/**
 * `--env-file` and `--label-file`: one `KEY=VALUE` a line, `#` comments, no quoting. Pure.
 *
 * Follows docker/cli's kvfile: a file of other tools' making reads the same here.
 */

/**
 * The lines as `KEY=VALUE`. A bare key takes its value from `lookUp`, and is left out when that has none.
 * Throws Error(reason) with docker's phrases.
 */
export function parseEnvFile(
  bytes: Uint8Array,
  path: string,
  lookUp: (name: string) => string | undefined,
): readonly string[] {
  const entries: string[] = [];
  for (const [index, line] of splitLines(bytes).entries()) {
    const text = decode(line, index, path).trimStart();
    if (text === "" || text.startsWith("#")) continue;
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    if (name === "") throw new Error(`invalid env file (${path}): no variable name on line '${text}'`);
    if (/\s/.test(name))
      throw new Error(`invalid env file (${path}): variable '${name}' contains whitespaces`);
    const value = equals < 0 ? lookUp(name) : text.slice(equals + 1);
    if (value?.includes("\0"))
      throw new Error(`invalid env file (${path}): variable '${name}' contains a NUL byte`);
    if (value !== undefined) entries.push(`${name}=${value}`);
  }
  return entries;
}

function splitLines(bytes: Uint8Array): readonly Uint8Array[] {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const lines: Uint8Array[] = [];
  let start = hasMark ? 3 : 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    lines.push(bytes.subarray(start, bytes[end - 1] === 13 && end > start ? end - 1 : end));
    start = end + 1;
  }
  return lines;
}

function decode(line: Uint8Array, index: number, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line);
  } catch {
    throw new Error(
      `invalid env file (${path}): invalid utf8 bytes at line ${index + 1}: [${line.join(" ")}]`,
    );
  }
}

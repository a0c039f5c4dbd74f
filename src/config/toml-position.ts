/**
 * Where each key and value of a TOML document stands in its text: smol-toml gives values without positions.
 *
 * Reads only documents that smol-toml has accepted, so it skips what it needs not to understand. Grammar:
 * https://toml.io/en/v1.0.0. Pure.
 */

export type TomlPath = readonly (string | number)[];

/** Offsets into the text; line and column are toml-problem.ts's. */
export interface TomlPositions {
  /** Of the key; undefined: no such key in the document. */
  key(path: TomlPath): number | undefined;
  /** Of the value, or of an array's element; for a table, its key. */
  value(path: TomlPath): number | undefined;
}

/** Indexes a whole document. */
export function indexToml(text: string): TomlPositions {
  const scanner = new TomlScanner(text);
  scanner.readDocument();
  return {
    key: (path) => scanner.keys.get(JSON.stringify(path)),
    value: (path) => scanner.values.get(JSON.stringify(path)) ?? scanner.keys.get(JSON.stringify(path)),
  };
}

class TomlScanner {
  readonly keys = new Map<string, number>();
  readonly values = new Map<string, number>();
  /** Elements seen of each array of tables. */
  private readonly counts = new Map<string, number>();
  private at = 0;

  constructor(private readonly text: string) {}

  readDocument(): void {
    let table: TomlPath = [];
    for (this.skipBlank(); this.at < this.text.length; this.skipBlank()) {
      if (this.text.startsWith("[[", this.at)) table = this.readArrayHeader();
      else if (this.text[this.at] === "[") table = this.readHeader();
      else this.readPair(table);
    }
  }

  private readHeader(): TomlPath {
    this.at += 1;
    const path = this.readKey([], true);
    this.skipPast("]");
    return path;
  }

  private readArrayHeader(): TomlPath {
    this.at += 2;
    const start = this.at;
    const path = this.readKey([], true, true);
    const name = JSON.stringify(path);
    const index = (this.counts.get(name) ?? -1) + 1;
    this.counts.set(name, index);
    const element = [...path, index];
    this.values.set(JSON.stringify(element), start);
    this.skipPast("]");
    this.skipPast("]");
    return element;
  }

  private readPair(table: TomlPath): void {
    const path = this.readKey(table, false);
    this.skipPast("=");
    this.skipSpaces();
    this.readValue(path);
  }

  /** A dotted key, each prefix noted; in headers, a name of an array of tables means its last element. */
  private readKey(base: TomlPath, isHeader: boolean, isArray = false): TomlPath {
    let path = base;
    for (;;) {
      this.skipSpaces();
      const start = this.at;
      path = [...path, this.readKeyPart()];
      const name = JSON.stringify(path);
      if (!this.keys.has(name)) this.keys.set(name, start);
      this.skipSpaces();
      const hasMore = this.text[this.at] === ".";
      const index = isHeader && (hasMore || !isArray) ? this.counts.get(name) : undefined;
      if (index !== undefined) path = [...path, index];
      if (!hasMore) return path;
      this.at += 1;
    }
  }

  private readKeyPart(): string {
    const quote = this.text[this.at];
    const start = this.at;
    if (quote === '"' || quote === "'") {
      this.skipString();
      const body = this.text.slice(start + 1, this.at - 1);
      return quote === '"' ? unescapeBasic(body) : body;
    }
    while (/[A-Za-z0-9_-]/.test(this.text[this.at] ?? "")) this.at += 1;
    return this.text.slice(start, this.at);
  }

  private readValue(path: TomlPath): void {
    this.values.set(JSON.stringify(path), this.at);
    const first = this.text[this.at];
    if (first === '"' || first === "'") this.skipString();
    else if (first === "[") this.readArray(path);
    else if (first === "{") this.readInlineTable(path);
    else while (this.at < this.text.length && !/[,\]}\n#]/.test(this.text[this.at] ?? "")) this.at += 1;
  }

  private readArray(path: TomlPath): void {
    this.at += 1;
    for (let index = 0; ; index++) {
      this.skipBlank(",");
      if (this.text[this.at] === "]" || this.at >= this.text.length) break;
      this.readValue([...path, index]);
    }
    this.at += 1;
  }

  private readInlineTable(path: TomlPath): void {
    this.at += 1;
    for (;;) {
      this.skipBlank(",");
      if (this.text[this.at] === "}" || this.at >= this.text.length) break;
      this.readPair(path);
    }
    this.at += 1;
  }

  /** A string of any of the four kinds, quotes included. */
  private skipString(): void {
    const quote = this.text[this.at] ?? "";
    const long = quote.repeat(3);
    const end = this.text.startsWith(long, this.at) ? long : quote;
    this.at += end.length;
    while (this.at < this.text.length && !this.text.startsWith(end, this.at)) {
      this.at += quote === '"' && this.text[this.at] === "\\" ? 2 : 1;
    }
    this.at += end.length;
    // Up to two quotes may stand before the three that close.
    while (end.length === 3 && this.text[this.at] === quote) this.at += 1;
  }

  private skipSpaces(): void {
    while (this.text[this.at] === " " || this.text[this.at] === "\t") this.at += 1;
  }

  /** Spaces, newlines, comments, and the characters of `also`. */
  private skipBlank(also = ""): void {
    for (; this.at < this.text.length; this.at++) {
      const char = this.text[this.at] ?? "";
      if (char === "#") while (this.at < this.text.length && this.text[this.at] !== "\n") this.at += 1;
      else if (!/\s/.test(char) && (also === "" || !also.includes(char))) return;
    }
  }

  private skipPast(char: string): void {
    this.skipSpaces();
    if (this.text[this.at] === char) this.at += 1;
  }
}

const shortEscapes: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
  e: "\u001b",
};

function unescapeBasic(body: string): string {
  return body.replace(
    /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))/g,
    (_, u, long, x, char) => {
      const code: string | undefined = u ?? long ?? x;
      return code === undefined
        ? (shortEscapes[char] ?? char)
        : String.fromCodePoint(Number.parseInt(code, 16));
    },
  );
}

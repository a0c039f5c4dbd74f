/**
 * Patterns of .dockerignore, `--exclude` and COPY's sources: Go's filepath.Match, and `**` for any directories. Pure.
 *
 * A pattern is matched by keeping the set of its places that can be meant at each character of the path, so that no
 * pattern takes more than its length times the path's.
 * https://pkg.go.dev/path/filepath#Match, https://docs.docker.com/build/concepts/context/#syntax
 */

type Token =
  /** `*`: within one name. */
  | { readonly kind: "star" }
  /** `**`: across names. */
  | { readonly kind: "globstar" }
  /** `**` and a slash: any directories, or none. */
  | { readonly kind: "directories" }
  | { readonly kind: "one" }
  | {
      readonly kind: "class";
      readonly negated: boolean;
      readonly ranges: readonly (readonly [string, string])[];
    }
  | { readonly kind: "char"; readonly char: string };

export interface Glob {
  readonly pattern: string;
  readonly tokens: readonly Token[];
  /** What every match begins with. */
  readonly prefix: string;
  /** It has no wildcard: only its prefix matches. */
  readonly isLiteral: boolean;
}

/** Throws Error(`syntax error in pattern`), as Go's filepath does. */
export function parseGlob(pattern: string): Glob {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; ) {
    const { token, next } = readToken(pattern, at);
    tokens.push(token);
    at = next;
  }
  const firstWild = tokens.findIndex(({ kind }) => kind !== "char");
  const literal = firstWild < 0 ? tokens : tokens.slice(0, firstWild);
  const prefix = literal.map((token) => (token.kind === "char" ? token.char : "")).join("");
  return { pattern, tokens, prefix, isLiteral: firstWild < 0 };
}

function readToken(pattern: string, at: number): { token: Token; next: number } {
  const char = pattern[at] ?? "";
  if (char === "*") {
    if (pattern[at + 1] !== "*") return { token: { kind: "star" }, next: at + 1 };
    let next = at + 2;
    while (pattern[next] === "*") next += 1;
    if (pattern[next] === "/") return { token: { kind: "directories" }, next: next + 1 };
    return { token: { kind: "globstar" }, next };
  }
  if (char === "?") return { token: { kind: "one" }, next: at + 1 };
  if (char === "[") return readClass(pattern, at + 1);
  if (char !== "\\") return { token: { kind: "char", char }, next: at + 1 };
  const escaped = pattern[at + 1];
  if (escaped === undefined) throw badPattern();
  return { token: { kind: "char", char: escaped }, next: at + 2 };
}

function readClass(pattern: string, start: number): { token: Token; next: number } {
  let at = start;
  const negated = pattern[at] === "^";
  if (negated) at += 1;
  const ranges: (readonly [string, string])[] = [];
  const readBound = () => {
    if (pattern[at] === "\\") at += 1;
    const char = pattern[at];
    if (
      char === undefined ||
      (char === "]" && pattern[at - 1] !== "\\") ||
      (char === "-" && pattern[at - 1] !== "\\")
    ) {
      throw badPattern();
    }
    at += 1;
    return char;
  };
  while (pattern[at] !== "]" || ranges.length === 0) {
    const low = readBound();
    if (pattern[at] !== "-") ranges.push([low, low]);
    else {
      at += 1;
      ranges.push([low, readBound()]);
    }
  }
  return { token: { kind: "class", negated, ranges }, next: at + 1 };
}

function badPattern(): Error {
  return new Error("syntax error in pattern");
}

/** Whether the whole path, its names parted by `/`, is what the pattern says. */
export function matchGlob(glob: Glob, path: string): boolean {
  if (glob.isLiteral) return path === glob.prefix;
  if (!path.startsWith(glob.prefix)) return false;
  return placesAfter(glob, path).includes(glob.tokens.length);
}

/** Whether something below the directory could match. */
export function mayMatchBelow(glob: Glob, directory: string): boolean {
  const inside = `${directory}/`;
  if (glob.isLiteral || inside.length <= glob.prefix.length) return glob.prefix.startsWith(inside);
  return inside.startsWith(glob.prefix) && placesAfter(glob, inside).length > 0;
}

/** The places in the pattern that can come next when all of `path` is read. */
function placesAfter({ tokens, prefix }: Glob, path: string): readonly number[] {
  let places = withEmpty(tokens, [prefix.length], path[prefix.length - 1]);
  for (let at = prefix.length; at < path.length && places.length > 0; at++) {
    const char = path[at] ?? "";
    const next: number[] = [];
    for (const place of places) {
      const token = tokens[place];
      if (token === undefined || !accepts(token, char)) continue;
      const stays = token.kind === "star" || token.kind === "globstar" || token.kind === "directories";
      // Within `**/` only a slash, its last character, leads on.
      if (stays) next.push(place);
      if (!stays || (token.kind === "directories" && char === "/")) next.push(place + 1);
    }
    places = withEmpty(tokens, next, char);
  }
  return places;
}

/**
 * What can be skipped without a character: stars; and `**` with its slash, but only where a name begins, since from the
 * middle of a name it must still meet its slash.
 */
function withEmpty(
  tokens: readonly Token[],
  places: readonly number[],
  before: string | undefined,
): readonly number[] {
  const found = new Set<number>();
  const add = (place: number, isFresh: boolean): void => {
    if (found.has(place) && !isFresh) return;
    found.add(place);
    const kind = tokens[place]?.kind;
    if (kind === "star" || kind === "globstar") add(place + 1, true);
    else if (kind === "directories" && (before === undefined || before === "/")) add(place + 1, true);
  };
  for (const place of places) add(place, false);
  return [...found];
}

function accepts(token: Token, char: string): boolean {
  switch (token.kind) {
    case "globstar":
    case "directories":
      return true;
    case "star":
    case "one":
      return char !== "/";
    case "char":
      return char === token.char;
    case "class": {
      const isIn = token.ranges.some(([low, high]) => low <= char && char <= high);
      return char !== "/" && isIn !== token.negated;
    }
  }
}

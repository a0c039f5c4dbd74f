/**
 * Patterns of `${x#p}`, `${x%p}` and `${x/p/r}`: `*`, `?`, and a backslash that protects one of them. Pure.
 *
 * Docker's subset of POSIX's pattern matching notation: no bracket expressions. Matching is by steps over the value, not
 * by a regular expression, so that no pattern can take exponential time.
 * https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html#tag_18_13
 */

type Token =
  | { readonly kind: "any" }
  | { readonly kind: "one" }
  | { readonly kind: "char"; readonly char: string };

/** Throws Error(reason) for a backslash before a character that needs none. */
function parsePattern(pattern: string): readonly Token[] {
  const tokens: Token[] = [];
  const chars = [...pattern];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? "";
    if (char === "*") tokens.push({ kind: "any" });
    else if (char === "?") tokens.push({ kind: "one" });
    else if (char !== "\\") tokens.push({ kind: "char", char });
    else {
      at += 1;
      const next = chars[at];
      if (next === undefined || !"*?\\}/".includes(next)) throw new Error(`invalid escape '\\${next ?? ""}'`);
      tokens.push({ kind: "char", char: next });
    }
  }
  return tokens;
}

/** All lengths, ascending, that the tokens match at `start`. */
function matchLengths(tokens: readonly Token[], value: readonly string[], start: number): readonly number[] {
  let ends = new Set([start]);
  for (const token of tokens) {
    const next = new Set<number>();
    if (token.kind === "any") {
      const least = Math.min(...ends);
      for (let end = least; end <= value.length; end++) next.add(end);
    } else {
      for (const end of ends) {
        if (end >= value.length) continue;
        if (token.kind === "one" || token.char === value[end]) next.add(end + 1);
      }
    }
    if (next.size === 0) return [];
    ends = next;
  }
  return [...ends].map((end) => end - start).sort((a, b) => a - b);
}

export function removePrefix(value: string, pattern: string, greedy: boolean): string {
  const chars = [...value];
  const lengths = matchLengths(parsePattern(pattern), chars, 0);
  const length = greedy ? lengths.at(-1) : lengths[0];
  return length === undefined ? value : chars.slice(length).join("");
}

export function removeSuffix(value: string, pattern: string, greedy: boolean): string {
  const chars = [...value].reverse();
  const lengths = matchLengths(parsePattern(pattern).toReversed(), chars, 0);
  const length = greedy ? lengths.at(-1) : lengths[0];
  return length === undefined ? value : chars.slice(length).reverse().join("");
}

/** The longest match at the first place where there is one; `all`: and at every place after it. */
export function replacePattern(value: string, pattern: string, replacement: string, all: boolean): string {
  const tokens = parsePattern(pattern);
  const chars = [...value];
  let result = "";
  let at = 0;
  while (at <= chars.length) {
    const length = matchLengths(tokens, chars, at).at(-1);
    if (length !== undefined) {
      result += replacement;
      at += length;
      if (!all) break;
    }
    if (length === undefined || length === 0) {
      result += chars[at] ?? "";
      at += 1;
    }
  }
  return result + chars.slice(at).join("");
}

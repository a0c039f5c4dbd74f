/**
 * Shell patterns over names, as `images --filter reference=…` takes them: Go's path.Match. Pure.
 *
 * `*` and `?` stop at a slash, `[a-z]` and `[^a-z]` are classes, a backslash takes the next character as it is.
 * https://pkg.go.dev/path#Match and FamiliarMatch of https://github.com/distribution/reference
 */
import { BockerError } from "../errors.ts";
import { familiarName, familiarRepository, type ImageReference } from "./reference.ts";

/** Whether the pattern fits the familiar name, with its tag or without. Throws where the pattern is malformed. */
export function matchesFamiliar(pattern: RegExp, reference: ImageReference): boolean {
  return pattern.test(familiarName(reference)) || pattern.test(familiarRepository(reference));
}

/** The pattern as a regular expression over the whole text. Throws Go's `syntax error in pattern`. */
export function parsePattern(pattern: string): RegExp {
  let source = "";
  let rest = pattern;
  while (rest !== "") {
    const [token = "", piece] = nextPiece(rest);
    if (piece === undefined) {
      throw new BockerError(`invalid filter 'reference=${pattern}': syntax error in pattern`, {
        kind: "invalid-config",
      });
    }
    source += piece;
    rest = rest.slice(token.length);
  }
  return new RegExp(`^${source}$`, "su");
}

function nextPiece(text: string): readonly [token: string, source: string | undefined] {
  const first = String.fromCodePoint(text.codePointAt(0) ?? 0);
  // One star or many: the same, and only one can't make matching slow.
  if (first === "*") return [/^\*+/.exec(text)?.[0] ?? first, "[^/]*"];
  if (first === "?") return [first, "[^/]"];
  if (first === "\\")
    return text.length < 2 ? [text, undefined] : [text.slice(0, 2), RegExp.escape(text.slice(1, 2))];
  if (first !== "[") return [first, RegExp.escape(first)];
  const [token, not = "", members = ""] = /^\[(\^|(?!\^))((?:\\.|[^\]\\])+)\]/su.exec(text) ?? [];
  if (token === undefined) return [text, undefined];
  return [token, classOf(not, members)];
}

function classOf(not: string, members: string): string | undefined {
  const characters = [...members.matchAll(/\\(.)|(.)/gsu)].map(([, quoted, plain]) => ({
    text: quoted ?? plain ?? "",
    isDash: plain === "-",
  }));
  let source = "";
  for (let at = 0; at < characters.length; at++) {
    const low = characters[at]?.text ?? "";
    const high = characters[at + 1]?.isDash === true ? characters[at + 2]?.text : undefined;
    if (high === undefined) {
      source += RegExp.escape(low);
      continue;
    }
    if (low > high) return undefined;
    source += `${RegExp.escape(low)}-${RegExp.escape(high)}`;
    at += 2;
  }
  return `[${not}${source}]`;
}

/**
 * The words of a line that announce documents: `<<EOF`, `<<-"EOF"`, `3<<EOF`. Pure.
 * https://docs.docker.com/reference/dockerfile/#here-documents
 */
import { expandWord } from "./expand-word.ts";
import type { Heredoc } from "./syntax.ts";

const announcement = /^(\d*)<<(-?)\s*([^<]*)$/;

export const leadingTabs: RegExp = /^\t+/;

/** In the order in which their documents follow; each still without content. */
export function findHeredocs(line: string): readonly Heredoc[] {
  const words = wordsOf(line, true) ?? [];
  return words.map(parseHeredoc).filter((heredoc) => heredoc !== undefined);
}

/** undefined: the word announces nothing. */
export function parseHeredoc(word: string): Heredoc | undefined {
  const [, descriptor = "", dash = "", rest = ""] = announcement.exec(word) ?? [];
  if (rest === "") return undefined;
  const plain = wordsOf(rest, false);
  const raw = wordsOf(rest, true);
  const [name = ""] = plain ?? [];
  if (plain?.length !== 1 || raw?.length !== 1) return undefined;
  return {
    name,
    descriptor: Number(descriptor),
    expand: quotesIn(name) === quotesIn(raw[0] ?? ""),
    chomp: dash === "-",
    content: "",
  };
}

/** The document without the tabs at the beginning of its lines, where `<<-` asked for it. */
export function contentOf({ content, chomp }: Heredoc): string {
  return chomp ? content.replace(/^\t+/gm, "") : content;
}

function wordsOf(text: string, raw: boolean): readonly string[] | undefined {
  try {
    return expandWord(text, () => undefined, { keepUnset: true, rawQuotes: raw, rawEscapes: raw }).words;
  } catch {
    return undefined;
  }
}

function quotesIn(word: string): number {
  return word.replace(/[^'"]/g, "").length;
}

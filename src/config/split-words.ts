/**
 * Words of a command written as one string: spaces part them, quotes and backslashes as in a shell keep them together.
 * Nothing is expanded. Pure.
 */

/** Throws Error(reason) when a quote does not close. */
export function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  const token = /\s+|"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)|([^\s"'\\]+)/suy;
  let word: string | undefined;
  while (token.lastIndex < text.length) {
    const start = token.lastIndex;
    const match = token.exec(text);
    if (!match) throw new Error(`unclosed quote in ${JSON.stringify(text.slice(start))}`);
    const [whole, double, single, escaped, plain] = match;
    if (/^\s/.test(whole)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + (double?.replace(/\\(["\\$`])/g, "$1") ?? single ?? escaped ?? plain ?? "");
    }
  }
  return word === undefined ? words : [...words, word];
}

/** The words of a JSON list of strings that is not empty; undefined: the text is none. */
export function parseWordList(text: string): readonly string[] | undefined {
  if (!/^\s*\[/.test(text)) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    const isWords = Array.isArray(list) && list.length > 0 && list.every((word) => typeof word === "string");
    return isWords ? list : undefined;
  } catch {
    return undefined;
  }
}

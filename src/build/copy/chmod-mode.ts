/**
 * `--chmod`: octal, or symbolic as chmod(1) has it (`u=rwX,go-w`). Pure.
 * https://pubs.opengroup.org/onlinepubs/9699919799/utilities/chmod.html
 */

/** A file's mode bits (07777) to those it gets. */
export type ChangeMode = (mode: number, isDirectory: boolean) => number;

/** Throws Error(reason). */
export function parseChmod(text: string): ChangeMode {
  const fixed = octalMode(text);
  if (fixed !== undefined) return () => fixed;
  const clauses = text.split(",").map(parseClause);
  return (mode, isDirectory) => clauses.reduce((current, clause) => clause(current, isDirectory), mode);
}

/** undefined: the text is no octal number up to 7777. */
export function octalMode(text: string): number | undefined {
  return /^0*[0-7]{1,4}$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

const whoMasks: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const shifts: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };

function parseClause(clause: string): ChangeMode {
  const [, who = "", actions = ""] = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause) ?? [];
  if (actions === "") throw new Error(`invalid chmod parameter: ${JSON.stringify(clause)}`);
  const mask = [...(who === "" ? "a" : who)].reduce((sum, letter) => sum | (whoMasks[letter] ?? 0), 0);
  const steps = [...actions.matchAll(/([-+=])([rwxXst]*|[ugo])/g)];
  return (mode, isDirectory) =>
    steps.reduce((current, [, sign, letters = ""]) => {
      const bits = bitsOf(letters, current, isDirectory) & mask;
      if (sign === "+") return current | bits;
      if (sign === "-") return current & ~bits;
      // The set-id and sticky bits of a directory stay unless they are named.
      const kept = isDirectory ? mask & ~0o7000 : mask;
      return (current & ~kept) | bits;
    }, mode);
}

function bitsOf(letters: string, mode: number, isDirectory: boolean): number {
  const copied = shifts[letters];
  if (copied !== undefined) return ((mode >> copied) & 7) * 0o111;
  let bits = 0;
  for (const letter of letters) {
    if (letter === "r") bits |= 0o444;
    else if (letter === "w") bits |= 0o222;
    else if (letter === "x" || (letter === "X" && (isDirectory || (mode & 0o111) !== 0))) bits |= 0o111;
    else if (letter === "s") bits |= 0o6000;
    else if (letter === "t") bits |= 0o1000;
  }
  return bits;
}

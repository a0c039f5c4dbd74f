// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are what is tested
import { describe, expect, test } from "bun:test";
import { type ExpandOptions, expandWord } from "../../../src/build/dockerfile/expand-word.ts";

const env: Readonly<Record<string, string>> = {
  x: "foo.tar.gz",
  e: "",
  p: "/a/b/c",
  s: "two words",
  star: "a*b",
  v_1: "under",
};
const expand = (word: string, options: ExpandOptions = {}) =>
  expandWord(word, (name) => (Object.hasOwn(env, name) ? env[name] : undefined), options);

describe("variables", () => {
  test.each([
    ["$x", "foo.tar.gz"],
    ["a${x}b", "afoo.tar.gzb"],
    ["$v_1.$unset.", "under.."],
    ["${unset:-d $x}", "d foo.tar.gz"],
    ["${unset-d}", "d"],
    ["${e:-d}", "d"],
    ["${e-d}", ""],
    ["${x:+set}", "set"],
    ["${e:+set}", ""],
    ["${e+set}", "set"],
    ["${unset+set}", ""],
    ["${x:?no}", "foo.tar.gz"],
    ["${unset:-${e:-${x}}}", "foo.tar.gz"],
    ["${x#*.}", "tar.gz"],
    ["${x##*.}", "gz"],
    ["${x%.*}", "foo.tar"],
    ["${x%%.*}", "foo"],
    ["${x#f?o}", ".tar.gz"],
    ["${x#nothing}", "foo.tar.gz"],
    ["${star%\\**}", "a"],
    ["${p/\\//_}", "_a/b/c"],
    ["${p//\\//_}", "_a_b_c"],
    ["${x/o*a/-}", "f-r.gz"],
    ["${x//[/-}", "foo.tar.gz"],
    ["${unset/a/b}", ""],
    ["$", "$"],
    ["$ a", "$ a"],
    ["a$/", "a$/"],
    ["$1$?$$", ""],
  ])("%s is %j", (word, wanted) => {
    expect(expand(word).text).toBe(wanted);
  });

  test.each([
    ["${x", "syntax error: missing '}'"],
    ["${", "syntax error: missing '}'"],
    ["${}", "syntax error: bad substitution"],
    ["${:x}", "syntax error: bad substitution"],
    ["${x^}", "unsupported modifier (^) in substitution"],
    ["${x:#y}", "unsupported modifier (:#) in substitution"],
    ["${x:-y", "syntax error: missing '}'"],
    ["${x/y}", "syntax error: missing '/' in ${}"],
    ["${unset?}", "unset: is not allowed to be unset"],
    ["${e:?}", "e: is not allowed to be empty"],
    ["${unset:?give it}", "unset: give it"],
    ["${x#\\a}", "invalid pattern (\\a) in substitution: invalid escape '\\a'"],
    ["'a", "unexpected end of statement while looking for matching single-quote"],
    ['"a', "unexpected end of statement while looking for matching double-quote"],
  ])("%s: %s", (word, reason) => {
    expect(() => expand(word)).toThrow(`failed to process ${JSON.stringify(word)}: ${reason}`);
  });

  test("names that are not set are told, and stay where asked", () => {
    expect([...expand("$a ${b:-c} $x").unset]).toEqual(["a", "b"]);
    expect(expand("$a ${b} ${c:-d} ${x}", { keepUnset: true }).text).toBe("$a ${b} ${c:-d} foo.tar.gz");
  });
});

describe("quotes and escapes", () => {
  test.each([
    ["'$x'", "$x"],
    ['"$x"', "foo.tar.gz"],
    ['"\\$x \\" \\a"', '$x " \\a'],
    ["\\$x", "$x"],
    ["a\\ b", "a b"],
    ["a\\", "a"],
    [`'it'"'"'s'`, "it's"],
  ])("%s is %j", (word, wanted) => {
    expect(expand(word).text).toBe(wanted);
  });

  test("mean nothing in documents, and the backtick may be the escape", () => {
    expect(expand('it\'s "$x" \\$x', { ignoreQuotes: true }).text).toBe('it\'s "foo.tar.gz" $x');
    expect(expand("c:\\dir `$x", { escapeToken: "`" }).text).toBe("c:\\dir $x");
  });

  test("words part at blanks that are not quoted, those of values too", () => {
    expect(expand('a "b c" $s "$s"').words).toEqual(["a", "b c", "two", "words", "two words"]);
  });
});

test("a pattern of many stars takes no time", () => {
  const started = performance.now();
  const value = "a".repeat(2000);
  expandWord(`\${v##${"*a".repeat(30)}b}`, () => value);
  expect(performance.now() - started).toBeLessThan(5000);
});

import { expect, test } from "bun:test";
import { findJsonError } from "../../../src/security/json-position.ts";

test.each([
  ["", 1, 1],
  ["{", 1, 2],
  ['{"a": [1, 2,]}', 1, 13],
  ['{"a": 1,\n "b": 2,\n}', 3, 1],
  ['{"a" 1}', 1, 6],
  ["[1 2]", 1, 4],
  ['["tab\there"]', 1, 2],
  ["[01]", 1, 2],
  ["{}\n]", 2, 1],
  ["[}", 1, 2],
  ["nul", 1, 1],
  ["{'a': 1}", 1, 2],
] as const)("%j is wrong at line %d, column %d", (text, line, column) => {
  expect(() => JSON.parse(text)).toThrow();
  expect(findJsonError(text)).toEqual({ line, column });
});

test.each(["0", " -1.5e+3 ", "[]", "{}", '{"a":[{"b":"\\u00e9\\n"},null,true],"c":{}}', "[[],[1],[[2]]]\n"])(
  "%j is JSON",
  (text) => {
    JSON.parse(text);
    expect(findJsonError(text)).toBeUndefined();
  },
);

import { expect, test } from "bun:test";
import * as flags from "../../../ffi/flags.ts";
import * as word from "../../../src/launch/kernel-word.ts";

test.each([
  ["0", [0]],
  ["0-3,7", [0, 1, 2, 3, 7]],
  ["2, 4-4", [2, 4]],
])("the CPU list %p", (text, cpus) => {
  expect(word.parseCpuList(text)).toEqual(cpus);
});

test.each(["", "x", "3-1", "0-", "-1", "1,,2", "0-4294967295"])("%p is no CPU list", (text) => {
  expect(() => word.parseCpuList(text)).toThrow(`invalid CPU list "${text}"`);
});

test("every word has a number", () => {
  const tables = [
    [word.schedulerPolicies, flags.schedulerPolicies],
    [word.schedulerFlags, flags.schedulerFlags],
    [word.ioClasses, flags.ioClasses],
    [word.personalities, flags.personalities],
    [word.seccompFlags, flags.seccompFlags],
  ] as const;
  for (const [words, numbers] of tables)
    expect(Object.keys(numbers)).toEqual(expect.arrayContaining([...words]));
});

test("an unknown word is refused with those there are", () => {
  expect(() => word.checked("personality", "LINUX64", word.personalities)).toThrow(
    'invalid personality "LINUX64": it is one of LINUX, LINUX32',
  );
});

import { expect, test } from "bun:test";
import { type RandomSource, randomHex, randomId, randomName } from "../../../src/host/random-id.ts";

test("an id is 64 hex digits whose first 12 are not a number", () => {
  for (let i = 0; i < 500; i++) {
    const id = randomId();
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(id.slice(0, 12)).toMatch(/[a-f]/);
  }
});

test("an id that would be read as a number is drawn again", () => {
  const draws = [0x11, 0x22, 0xab];
  const source: RandomSource = (bytes) => bytes.fill(draws.shift() ?? 0xff);
  expect(randomId(source)).toBe("ab".repeat(32));
});

test("randomHex gives two digits a byte", () => {
  expect(randomHex(6)).toMatch(/^[0-9a-f]{12}$/);
});

test("a made-up name is two words; later attempts add digits", () => {
  for (let i = 0; i < 200; i++) expect(randomName()).toMatch(/^[a-z]+_[a-z]+$/);
  expect(randomName(3)).toMatch(/^[a-z]+_[a-z]+[0-9]$/);
  expect(randomName(9)).toMatch(/^[a-z]+_[a-z]+[0-9]{1,4}$/);
});

test("names are many", () => {
  const names = new Set(Array.from({ length: 1000 }, () => randomName()));
  expect(names.size).toBeGreaterThan(900);
});

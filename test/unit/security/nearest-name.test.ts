/** Which known word a mistyped one most likely meant. */
import { expect, test } from "bun:test";
import { nearestName } from "../../../src/security/nearest-name.ts";

test("the nearest of those at most a third away", () => {
  expect(nearestName("pulish", ["publish", "publish-all", "pull"])).toBe("publish");
  expect(nearestName("NET_AMDIN", ["NET_RAW", "NET_ADMIN"])).toBe("NET_ADMIN");
  expect(nearestName("xyz", ["publish"])).toBeUndefined();
});

test("a word of millions of letters is compared with none", () => {
  expect(nearestName("a".repeat(5_000_000), ["publish", "publish-all"])).toBeUndefined();
});

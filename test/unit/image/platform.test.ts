import { describe, expect, test } from "bun:test";
import {
  hostPlatform,
  normalisePlatform,
  parsePlatform,
  platformMatches,
  renderPlatform,
  selectPlatform,
} from "../../../src/image/platform.ts";

const amd64 = { os: "linux", architecture: "amd64" };

describe("parsePlatform", () => {
  test.each([
    ["linux/amd64", "linux/amd64"],
    ["linux/x86_64", "linux/amd64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/aarch64", "linux/arm64"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/arm/6", "linux/arm/v6"],
    ["linux/armhf", "linux/arm/v7"],
    ["linux/armel", "linux/arm/v6"],
    ["linux/i386", "linux/386"],
    ["Linux/AMD64", "linux/amd64"],
    ["macos/arm64", "darwin/arm64"],
    ["linux", "linux/amd64"],
    ["arm64", "linux/arm64"],
    ["windows", "windows/amd64"],
  ])("%s is %s", (typed, rendered) => {
    const platform = parsePlatform(typed, amd64);
    expect(renderPlatform(platform)).toBe(rendered);
    expect(parsePlatform(rendered, amd64)).toEqual(platform);
  });

  test.each(["", "/", "linux/", "linux//v7", "a/b/c/d", "linux/amd64 ", `linux/${"x".repeat(80)}`])(
    "refuses %p",
    (typed) => expect(() => parsePlatform(typed, amd64)).toThrow(`invalid platform`),
  );
});

describe("selectPlatform", () => {
  const index = [
    "linux/386",
    "linux/amd64",
    "linux/arm/v5",
    "linux/arm/v7",
    "linux/arm64/v8",
    "windows/amd64",
  ];
  const candidates = index.map((text) => parsePlatform(text, amd64));
  const choose = (text: string) => index[selectPlatform(parsePlatform(text, amd64), candidates)];
  test.each([
    ["linux/amd64", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64"],
    ["linux/386", "linux/386"],
    ["linux/arm/v7", "linux/arm/v7"],
    ["linux/arm/v6", "linux/arm/v5"],
    ["linux/arm64", "linux/arm64/v8"],
    ["windows/amd64", "windows/amd64"],
  ])("%s gets %s", (wanted, expected) => expect(choose(wanted)).toBe(expected));

  test("none", () => {
    expect(choose("linux/s390x")).toBeUndefined();
    expect(choose("linux/arm/v4")).toBeUndefined();
    expect(selectPlatform(amd64, [])).toBe(-1);
    expect(selectPlatform(amd64, [undefined])).toBe(-1);
  });

  test("an arm64 host falls back to arm, a plain one to 386, the best variant wins", () => {
    const list = ["linux/arm/v6", "linux/arm/v7"].map((text) => parsePlatform(text, amd64));
    expect(selectPlatform(parsePlatform("linux/arm64", amd64), list)).toBe(1);
    const variants = ["linux/amd64", "linux/amd64/v2"].map((text) => parsePlatform(text, amd64));
    expect(selectPlatform(parsePlatform("linux/amd64/v3", amd64), variants)).toBe(1);
    expect(selectPlatform(amd64, variants)).toBe(0);
    expect(selectPlatform(amd64, [{ os: "linux", architecture: "386" }])).toBe(0);
  });

  test("the first of equals wins", () => expect(selectPlatform(amd64, [amd64, amd64])).toBe(0));
});

test("the host's platform is normal and matches itself", () => {
  const host = hostPlatform();
  expect(normalisePlatform(host)).toEqual(host);
  expect(host.os).toBe("linux");
  expect(platformMatches(host, host)).toBe(true);
  expect(platformMatches(host, { ...host, os: "windows" })).toBe(false);
});

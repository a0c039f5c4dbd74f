import { describe, expect, test } from "bun:test";
import { chainIDs } from "../../../src/image/chain-id.ts";
import {
  DigestHasher,
  digestAlgorithm,
  digestHex,
  digestOf,
  digestProblem,
  parseDiffID,
  parseDigest,
  verifyDigest,
} from "../../../src/image/digest.ts";

const empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

describe("digest", () => {
  test("of known bytes", () => {
    expect(String(digestOf(""))).toBe(empty);
    expect(digestHex(digestOf("abc", "sha512"))).toHaveLength(128);
    expect(digestAlgorithm(digestOf("abc", "sha512"))).toBe("sha512");
  });

  test("in pieces is the same as at once", () => {
    const hasher = new DigestHasher();
    for (const piece of ["hello", " ", "world"]) hasher.update(Buffer.from(piece));
    expect(hasher.digest()).toBe(digestOf("hello world"));
  });

  test("verification says got and want", () => {
    const want = parseDigest(empty);
    verifyDigest("blob", new Uint8Array(), want);
    expect(() => verifyDigest("blob X", Buffer.from("x"), want)).toThrow(
      `blob X: digest mismatch: got ${digestOf("x")}, want ${empty}`,
    );
  });

  test.each([
    ["", "invalid checksum digest format"],
    ["sha256", "invalid checksum digest format"],
    ["sha256:", "invalid checksum digest length"],
    [`sha256:${"g".repeat(64)}`, "invalid checksum digest format"],
    [`sha256:${"A".repeat(64)}`, "invalid checksum digest format"],
    [`sha512:${"a".repeat(64)}`, "invalid checksum digest length"],
    [`sha1:${"a".repeat(40)}`, "unsupported digest algorithm"],
    [`sha256:${"../".repeat(21)}a`, "invalid checksum digest format"],
    [`__proto__:${"a".repeat(64)}`, "unsupported digest algorithm"],
  ])("refuses %p", (text, problem) => {
    expect(digestProblem(text)).toBe(problem);
    expect(() => parseDigest(text)).toThrow(problem);
  });
});

test("chainIDs follow the specification", () => {
  const [a, b, c] = ["a", "b", "c"].map((text) => parseDiffID(digestOf(text)));
  if (a === undefined || b === undefined || c === undefined) throw new Error("unreachable");
  const ab = digestOf(`${a} ${b}`);
  const chain: string[] = chainIDs([a, b, c]);
  expect(chain).toEqual([a, ab, digestOf(`${ab} ${c}`)]);
  expect(chainIDs([])).toEqual([]);
});

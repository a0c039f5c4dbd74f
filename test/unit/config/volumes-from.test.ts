/** `--volumes-from` words: docker's forms and refusals. */
import { describe, expect, test } from "bun:test";
import { parseVolumesFrom } from "../../../src/config/volumes-from.ts";

describe("forms", () => {
  const forms: readonly (readonly [string, string, boolean])[] = [
    ["web", "web", false],
    ["web:rw", "web", false],
    ["web:ro", "web", true],
    ["web:ro,z", "web", true],
  ];
  for (const [text, container, readOnly] of forms) {
    test(text, () => expect(parseVolumesFrom(text)).toEqual({ container, readOnly }));
  }
});

describe("refusals", () => {
  const refusals: readonly (readonly [string, string])[] = [
    ["", "volumes-from specification cannot be an empty string"],
    [":ro", "invalid volumes-from specification: :ro"],
    ["web:", "invalid mode: "],
    ["web:rx", "invalid mode: rx"],
    ["web:ro,rw", "invalid mode: ro,rw"],
  ];
  for (const [text, phrase] of refusals) {
    test(JSON.stringify(text), () => expect(() => parseVolumesFrom(text)).toThrow(phrase));
  }
});

import { describe, expect, test } from "bun:test";
import { layerLimitsOf } from "../../../src/storage/layer-limits.ts";

describe("layerLimitsOf", () => {
  test("nothing set, nothing said", () => {
    expect(layerLimitsOf({})).toEqual({});
    expect(layerLimitsOf({ BOCKER_MAX_LAYER_BYTES: "" })).toEqual({});
  });

  test("both variables", () => {
    const env = { BOCKER_MAX_LAYER_BYTES: "1000000000000", BOCKER_MAX_LAYER_EXPANSION: "5000" };
    expect(layerLimitsOf(env)).toEqual({ maxLayerBytes: 1_000_000_000_000, maxExpansion: 5000 });
  });

  test.each(["0", "-1", "1g", "1.5", "many", "99999999999999999999"])("%s is refused by name", (text) => {
    expect(() => layerLimitsOf({ BOCKER_MAX_LAYER_BYTES: text })).toThrow(
      `invalid BOCKER_MAX_LAYER_BYTES "${text}"`,
    );
  });
});

import { describe, expect, test } from "bun:test";
import { checkIdMap, firstId, hostIdOf, isSameIdMap, renderIdMap } from "../../../src/security/id-map.ts";

const map = [
  { containerID: 0, hostID: 1000, size: 10 },
  { containerID: 100, hostID: 5000, size: 1 },
];

test.each([
  [0, 1000],
  [9, 1009],
  [10, undefined],
  [99, undefined],
  [100, 5000],
  [101, undefined],
])("container id %d is host id %p", (inside, outside) => {
  expect(hostIdOf(map, inside)).toBe(outside);
});

test("whoever sets a namespace up is its root, or the first there is", () => {
  expect(firstId(map)).toBe(0);
  expect(firstId([{ containerID: 7, hostID: 0, size: 1 }])).toBe(7);
  expect(firstId([])).toBe(0);
});

test("as the kernel reads it", () => {
  expect(renderIdMap(map)).toBe("0 1000 10\n100 5000 1\n");
});

test("two maps are the same where all of both is", () => {
  expect(
    isSameIdMap({ uidMappings: map, gidMappings: map }, { uidMappings: [...map], gidMappings: map }),
  ).toBe(true);
  expect(isSameIdMap({ uidMappings: map, gidMappings: [] }, { uidMappings: [], gidMappings: map })).toBe(
    false,
  );
});

describe("what the kernel would refuse", () => {
  const extent = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size });
  const last = 2 ** 32 - 1;
  test.each([
    ["it is empty", []],
    ['"0:0:0" maps no id', [extent(0, 0, 0)]],
    ["goes beyond the last id", [extent(1, 0, last + 1)]],
    ["goes beyond the last id", [extent(0, last, 2)]],
    ['"9:0:5" maps container ids that another extent maps', [extent(0, 100, 10), extent(9, 0, 5)]],
    ["maps to host ids that another extent maps to", [extent(0, 100, 10), extent(50, 105, 1)]],
    ["more than the kernel takes", Array.from({ length: 341 }, (_, index) => extent(index, index, 1))],
  ])("%s", (reason, mappings) => {
    expect(() => checkIdMap("linux.uidMappings", mappings)).toThrow(reason);
  });

  test("neighbours and the whole range are fine", () => {
    expect(() => checkIdMap("x", [extent(0, 0, 10), extent(10, 10, 10)])).not.toThrow();
    expect(() => checkIdMap("x", [extent(0, 0, last)])).not.toThrow();
  });
});

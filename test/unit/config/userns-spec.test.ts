/**
 * --userns, --uidmap and --gidmap as they are written.
 */
import { describe, expect, test } from "bun:test";
import { parseIdMap, parseUserns, replaceIn } from "../../../src/config/userns-spec.ts";
import { containerIdOf, hostIdOf, type IdMapping, isIdentity } from "../../../src/security/id-map.ts";

function triples(map: readonly IdMapping[]): readonly string[] {
  return map.map(({ containerID, hostID, size }) => `${containerID}:${hostID}:${size}`);
}

describe("--userns", () => {
  const none = { uidMappings: [], gidMappings: [] };
  test.each([
    ["host", { kind: "host" }],
    ["nomap", { kind: "nomap" }],
    ["private", { kind: "private" }],
    ["container:web", { kind: "container", container: "web" }],
    ["auto", { kind: "auto", fixed: none }],
    ["auto:size=512", { kind: "auto", size: 512, fixed: none }],
    [
      "auto:uidmapping=0:7:1,gidmapping=1:8:2",
      {
        kind: "auto",
        fixed: {
          uidMappings: [{ containerID: 0, hostID: 7, size: 1 }],
          gidMappings: [{ containerID: 1, hostID: 8, size: 2 }],
        },
      },
    ],
    ["keep-id", { kind: "keep-id" }],
    ["keep-id:uid=5,gid=6", { kind: "keep-id", uid: 5, gid: 6 }],
  ])("%s", (text, request) => {
    expect(parseUserns(text)).toEqual(request as never);
  });

  test.each([
    ["nonsense", "--userns: invalid USER mode"],
    ["host:x", "--userns: invalid USER mode"],
    ["container:", "--userns: invalid USER mode"],
    ["auto:size=0", "--userns: size of 0 maps no id"],
    ["auto:size=-1", '--userns: invalid size "-1"'],
    ["auto:sise=1", 'unknown option specified: "sise"'],
    ["auto:uidmapping=0:1", undefined],
    ["keep-id:uid=root", '--userns: invalid uid "root"'],
    ["keep-id:user=1", 'unknown option specified: "user"'],
    ["ns:/proc/1/ns/user", "only a container's namespace can be joined"],
  ])("%s is refused or not", (text, problem) => {
    if (problem === undefined) expect(() => parseUserns(text)).not.toThrow();
    else expect(() => parseUserns(text)).toThrow(problem);
  });
});

describe("id maps", () => {
  test("one id where no amount is said; the host's id may have an @", () => {
    expect(triples(parseIdMap(["0:1000", "1:@2000:3"], "uid"))).toEqual(["0:1000:1", "1:2000:3"]);
  });

  test("words for the other kind of ids are left out", () => {
    const words = ["0:1000:5", "u10:2000:1", "g10:3000:1", "ug20:1:1"];
    expect(triples(parseIdMap(words, "uid"))).toEqual(["0:1000:5", "10:2000:1", "20:1:1"]);
    expect(triples(parseIdMap(words, "gid"))).toEqual(["0:1000:5", "10:3000:1", "20:1:1"]);
  });

  test("a + takes ids out of what is there, on both sides", () => {
    expect(triples(parseIdMap(["0:1000:10", "+4:5000:2"], "uid"))).toEqual([
      "0:1000:4",
      "4:5000:2",
      "6:1006:4",
    ]);
    expect(triples(parseIdMap(["0:1000:10", "+20:1003:1"], "uid"))).toEqual([
      "0:1000:3",
      "4:1004:6",
      "20:1003:1",
    ]);
  });

  test.each(["", "0", "0:x", "a:1:1", "0:1:1:1", "-1:0:1", "z0:1:1", "0:4294967296:1", "0:1:"])(
    "%p is refused",
    (word) => {
      expect(() => parseIdMap([word], "uid")).toThrow(`invalid id mapping ${JSON.stringify(word)}`);
    },
  );

  test("whatever is put in, no id is mapped twice", () => {
    let map: readonly IdMapping[] = [{ containerID: 0, hostID: 100, size: 50 }];
    for (let step = 1; step < 60; step++) {
      const extent = { containerID: (step * 7) % 60, hostID: 90 + ((step * 13) % 70), size: 1 + (step % 9) };
      map = replaceIn(map, extent);
      const inside = map.flatMap(({ containerID, size }) => ids(containerID, size));
      const outside = map.flatMap(({ hostID, size }) => ids(hostID, size));
      expect([new Set(inside).size, new Set(outside).size]).toEqual([inside.length, outside.length]);
      expect(hostIdOf(map, extent.containerID)).toBe(extent.hostID);
      expect(containerIdOf(map, extent.hostID)).toBe(extent.containerID);
    }
  });

  test("an identity is one in all extents", () => {
    const same = [{ containerID: 5, hostID: 5, size: 3 }];
    expect(isIdentity({ uidMappings: same, gidMappings: same })).toBe(true);
    expect(isIdentity({ uidMappings: same, gidMappings: [{ containerID: 0, hostID: 1, size: 1 }] })).toBe(
      false,
    );
  });
});

function ids(first: number, size: number): readonly number[] {
  return Array.from({ length: size }, (_, index) => first + index);
}

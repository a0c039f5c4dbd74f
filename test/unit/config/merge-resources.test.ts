/** What `update` leaves as it was. */
import { expect, test } from "bun:test";
import { mergeResources } from "../../../src/config/merge-resources.ts";

test("what is asked for wins, what is not named stays", () => {
  expect(mergeResources({ memoryBytes: 1, pidsLimit: 2 }, { pidsLimit: 3 })).toEqual({
    memoryBytes: 1,
    pidsLimit: 3,
  });
  expect(mergeResources({}, {})).toEqual({});
});

test("device by device", () => {
  const old = {
    deviceRates: {
      readBps: [
        { path: "/dev/a", rate: 1 },
        { path: "/dev/b", rate: 2 },
      ],
    },
    blkioWeightDevices: [{ path: "/dev/a", weight: 10 }],
  };
  const asked = {
    deviceRates: { readBps: [{ path: "/dev/b", rate: 0 }], writeIops: [{ path: "/dev/a", rate: 7 }] },
    blkioWeightDevices: [{ path: "/dev/c", weight: 20 }],
  };
  expect(mergeResources(old, asked)).toEqual({
    deviceRates: {
      readBps: [
        { path: "/dev/a", rate: 1 },
        { path: "/dev/b", rate: 0 },
      ],
      writeIops: [{ path: "/dev/a", rate: 7 }],
    },
    blkioWeightDevices: [
      { path: "/dev/a", weight: 10 },
      { path: "/dev/c", weight: 20 },
    ],
  });
});

test("file by file", () => {
  const old = { cgroupConf: { "memory.high": "1", "pids.max": "2" } };
  expect(mergeResources(old, { cgroupConf: { "pids.max": "3" } })).toEqual({
    cgroupConf: { "memory.high": "1", "pids.max": "3" },
  });
});

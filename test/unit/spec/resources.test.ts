/** Limits: docker's checks with docker's words, and what goes into the spec. */
import { describe, expect, test } from "bun:test";
import type { ResourceConfig } from "../../../src/config/container-config.ts";
import { parseCpuList, specResources, validateResources } from "../../../src/spec/resources.ts";

const host = { cpus: 2, cpusetCpus: "0-1", cpusetMems: "0" };
const mega = 1024 * 1024;

describe("validateResources", () => {
  test.each<[ResourceConfig]>([
    [{}],
    [{ memoryBytes: 6 * mega }],
    [{ memoryBytes: 64 * mega, memorySwapBytes: 64 * mega }],
    [{ memoryBytes: 64 * mega, memorySwapBytes: -1 }],
    [{ memorySwapBytes: -1 }],
    [{ nanoCpus: 2e9 }],
    [{ nanoCpus: 1e7 }],
    [{ cpuPeriodUs: 1000, cpuQuotaUs: 1000 }],
    [{ cpuQuotaUs: -1 }],
    [{ cpusetCpus: "0,1", cpusetMems: "0" }],
    [{ memorySwappiness: 0 }],
    [{ memorySwappiness: -1 }],
    [{ pidsLimit: -1 }],
  ])("%j is fine", (resources) => {
    expect(() => validateResources(resources, host)).not.toThrow();
  });

  test.each<[ResourceConfig, string]>([
    [{ memoryBytes: 6 * mega - 1 }, "Minimum memory limit allowed is 6MB"],
    [
      { memoryBytes: 64 * mega, memorySwapBytes: 32 * mega },
      "Minimum memoryswap limit should be larger than memory limit, see usage",
    ],
    [
      { memorySwapBytes: 64 * mega },
      "You should always set the Memory limit when using Memoryswap limit, see usage",
    ],
    [{ memorySwappiness: 101 }, "Invalid value: 101, valid memory swappiness range is 0-100"],
    [{ memoryReservationBytes: mega }, "Minimum memory reservation allowed is 6MB"],
    [
      { memoryBytes: 10 * mega, memoryReservationBytes: 20 * mega },
      "Minimum memory limit can not be less than memory reservation limit, see usage",
    ],
    [
      { nanoCpus: 1e9, cpuPeriodUs: 1000 },
      "Conflicting options: Nano CPUs and CPU Period cannot both be set",
    ],
    [{ nanoCpus: 1e9, cpuQuotaUs: 1000 }, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"],
    [{ nanoCpus: 2.1e9 }, "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"],
    [{ nanoCpus: -1 }, "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"],
    [
      { cpuPeriodUs: 999 },
      "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
    ],
    [
      { cpuPeriodUs: 1_000_001 },
      "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
    ],
    [{ cpuQuotaUs: 999 }, "CPU cfs quota can not be less than 1ms (i.e. 1000)"],
    [{ cpuShares: -1 }, "invalid CPU shares (-1): value must be a positive integer"],
    [{ cpusetCpus: "0-2" }, "Requested CPUs are not available - requested 0-2, available: 0-1"],
    [{ cpusetCpus: "one" }, "Invalid value one for cpuset cpus"],
    [{ cpusetMems: "1" }, "Requested memory nodes are not available - requested 1, available: 0"],
    [{ cpusetMems: "0-" }, "Invalid value 0- for cpuset mems"],
  ])("%j: %s", (resources, message) => {
    expect(() => validateResources(resources, host)).toThrow(message);
  });
});

describe("cpu lists", () => {
  test.each([
    ["0", [0]],
    ["0-2,7", [0, 1, 2, 7]],
    [" 3 , 1 ", [3, 1]],
    ["2-1", undefined],
    ["", undefined],
    ["0,,1", undefined],
    ["0-99999999", undefined],
  ])("%p", (text, expected) => {
    const numbers = parseCpuList(text);
    expect(numbers && [...numbers]).toEqual(expected as never);
  });
});

describe("specResources", () => {
  const spec = (resources: ResourceConfig, swapLimit = true) =>
    specResources(resources, { devices: [], swapLimit });

  test("nothing asked, nothing limited", () => {
    expect(spec({})).toEqual({ devices: [] });
  });

  test.each<[ResourceConfig, object]>([
    [{ memoryBytes: 100 }, { limit: 100, swap: 200 }],
    [
      { memoryBytes: 100, memorySwapBytes: 100 },
      { limit: 100, swap: 100 },
    ],
    [
      { memoryBytes: 100, memorySwapBytes: -1 },
      { limit: 100, swap: -1 },
    ],
    [{ memorySwapBytes: -1 }, { swap: -1 }],
    [
      { memoryReservationBytes: 50, memorySwappiness: 0 },
      { reservation: 50, swappiness: 0 },
    ],
    [
      { oomKillDisable: true, memoryBytes: 1 },
      { limit: 1, swap: 2, disableOOMKiller: true },
    ],
  ])("memory %j", (resources, memory) => {
    expect(spec(resources).memory).toEqual(memory);
  });

  test("implied swap is left out where it can't be limited, asked for it stays", () => {
    expect(spec({ memoryBytes: 100 }, false).memory).toEqual({ limit: 100 });
    expect(spec({ memoryBytes: 100, memorySwapBytes: 150 }, false).memory).toEqual({ limit: 100, swap: 150 });
  });

  test.each<[ResourceConfig, object]>([
    [{ nanoCpus: 1.5e9 }, { period: 100_000, quota: 150_000 }],
    [{ nanoCpus: 1e7 }, { period: 100_000, quota: 1000 }],
    [
      { cpuShares: 512, cpuPeriodUs: 5000, cpuQuotaUs: -1 },
      { shares: 512, period: 5000, quota: -1 },
    ],
    [
      { cpusetCpus: "0", cpusetMems: "0" },
      { cpus: "0", mems: "0" },
    ],
  ])("cpu %j", (resources, cpu) => {
    expect(spec(resources).cpu).toEqual(cpu);
  });

  test.each([
    [0, -1],
    [-1, -1],
    [7, 7],
  ])("pids limit %d is %d", (pidsLimit, limit) => {
    expect(spec({ pidsLimit }).pids).toEqual({ limit });
  });
});

test("block I/O goes by the numbers of devices, and only what is limited", () => {
  const blockDevices = { "/dev/a": { major: 8, minor: 0 }, "/dev/b": { major: 8, minor: 16 } };
  const resources: ResourceConfig = {
    blkioWeight: 300,
    blkioWeightDevices: [{ path: "/dev/b", weight: 200 }],
    deviceRates: { readBps: [{ path: "/dev/a", rate: 5 }], writeIops: [{ path: "/dev/b", rate: 0 }] },
  };
  expect(specResources(resources, { devices: [], swapLimit: false, blockDevices }).blockIO).toEqual({
    weight: 300,
    weightDevice: [{ major: 8, minor: 16, weight: 200 }],
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 5 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 0 }],
  });
  expect(specResources({}, { devices: [], swapLimit: false })).not.toContainKey("blockIO");
});

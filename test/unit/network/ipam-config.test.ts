import { describe, expect, test } from "bun:test";
import { type IpamWords, joinIpamWords, planPool } from "../../../src/network/ipam-config.ts";

const nothing: IpamWords = { subnets: [], ipRanges: [], gateways: [], auxAddresses: {} };

function join(words: Partial<IpamWords>) {
  return joinIpamWords({ ...nothing, ...words });
}

describe("words", () => {
  test("go to the subnet they lie in", () => {
    const words = {
      subnets: ["10.1.0.0/16", "fd00::/64"],
      ipRanges: ["10.1.2.0/24"],
      gateways: ["fd00::9", "10.1.0.9"],
      auxAddresses: { router: "10.1.0.2", printer: "fd00::5", scanner: "10.1.0.3" },
    };
    expect(join(words)).toEqual([
      {
        subnet: "10.1.0.0/16",
        ipRange: "10.1.2.0/24",
        gateway: "10.1.0.9",
        auxAddresses: { router: "10.1.0.2", scanner: "10.1.0.3" },
      },
      { subnet: "fd00::/64", gateway: "fd00::9", auxAddresses: { printer: "fd00::5" } },
    ]);
    expect(join({})).toEqual([]);
  });

  test.each<[Partial<IpamWords>, string]>([
    [{ gateways: ["10.0.0.1"] }, "every ip-range or gateway must have a corresponding subnet"],
    [{ ipRanges: ["10.0.0.0/25"] }, "every ip-range or gateway must have a corresponding subnet"],
    [{ subnets: ["nonsense"] }, "invalid subnet: invalid CIDR address: nonsense"],
    [{ subnets: ["10.0.0.0/33"] }, "invalid subnet: invalid CIDR address: 10.0.0.0/33"],
    [
      { subnets: ["10.0.0.0/16", "10.0.5.0/24"] },
      "multiple overlapping subnet configuration is not supported",
    ],
    [{ subnets: ["10.0.0.0/24"], gateways: ["10.0.1.1"] }, "no matching subnet for gateway 10.0.1.1"],
    [{ subnets: ["10.0.0.0/24"], ipRanges: ["10.0.1.0/25"] }, "no matching subnet for range 10.0.1.0/25"],
    [
      { subnets: ["10.0.0.0/24"], auxAddresses: { a: "10.0.1.1" } },
      "no matching subnet for aux-address 10.0.1.1",
    ],
    [
      { subnets: ["10.0.0.0/24", "10.0.1.0/24"], gateways: ["10.0.0.1", "10.0.0.2"] },
      "cannot configure multiple gateways (10.0.0.2, 10.0.0.1) for the same subnet (10.0.0.0/24)",
    ],
    [
      { subnets: ["10.0.0.0/24", "10.0.1.0/24"], ipRanges: ["10.0.0.0/25", "10.0.0.128/25"] },
      "cannot configure multiple ranges (10.0.0.128/25, 10.0.0.0/25) on the same subnet (10.0.0.0/24)",
    ],
  ])("%p is refused", (words, message) => {
    expect(() => join(words)).toThrow(message);
  });
});

describe("a pool", () => {
  test("has canonical addresses, and the first as its gateway", () => {
    expect(planPool({ subnet: "fd00:0::/64", auxAddresses: { a: "fd00:0:0::05" } })).toEqual({
      subnet: "fd00::/64",
      gateway: "fd00::1",
      auxAddresses: { a: "fd00::5" },
    });
    expect(planPool({ subnet: "10.0.0.0/24", ipRange: "10.0.0.64/26", auxAddresses: {} })).toEqual({
      subnet: "10.0.0.0/24",
      gateway: "10.0.0.1",
      ipRange: "10.0.0.64/26",
      auxAddresses: {},
    });
  });

  test.each([
    [{ subnet: "10.0.0.1/24" }, "invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24"],
    [{ subnet: "10.0.0.0" }, "invalid subnet 10.0.0.0: invalid CIDR block notation"],
    [{ subnet: "10.0.0.0/31" }, "too small"],
    [{ subnet: "10.0.0.0/32", gateway: "10.0.0.0" }, "too small"],
    [{ subnet: "10.0.0.0/24", gateway: "x" }, "invalid gateway x: invalid address"],
    [
      { subnet: "10.0.0.0/24", gateway: "10.0.1.1" },
      "invalid gateway 10.0.1.1: parent subnet 10.0.0.0/24 doesn't contain this address",
    ],
    [{ subnet: "10.0.0.0/24", gateway: "10.0.0.255" }, "invalid gateway 10.0.0.255"],
    [
      { subnet: "10.0.0.0/24", ipRange: "10.0.0.0/16" },
      "CIDR block is bigger than its parent subnet 10.0.0.0/24",
    ],
    [
      { subnet: "10.0.0.0/24", ipRange: "10.0.0.9/25" },
      "invalid ip-range 10.0.0.9/25: it should be 10.0.0.0/25",
    ],
    [{ subnet: "10.0.0.0/24", ipRange: "10.0.1.0/25" }, "doesn't contain ip-range"],
    [{ subnet: "10.0.0.0/24", ipRange: "fd00::/64" }, "parent subnet is an IPv4 block"],
    [
      { subnet: "10.0.0.0/24", auxAddresses: { a: "10.9.0.1" } },
      "invalid auxiliary address 10.9.0.1: parent subnet 10.0.0.0/24 doesn't contain this address",
    ],
    [{ subnet: "10.0.0.0/24", auxAddresses: { a: "10.0.0.1" } }, "Address already in use"],
    [{ subnet: "10.0.0.0/24", auxAddresses: { a: "10.0.0.5", b: "10.0.0.5" } }, "Address already in use"],
  ])("%p is refused", (request, message) => {
    expect(() => planPool({ auxAddresses: {}, ...request })).toThrow(message);
  });
});

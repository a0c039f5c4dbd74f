import { describe, expect, test } from "bun:test";
import {
  chooseAddress,
  chooseSubnet,
  gatewayOf,
  hostInterfaceName,
  macAddressOf,
} from "../../../src/network/address-pool.ts";
import { parseSubnet, renderSubnet, subnetsOverlap } from "../../../src/network/ip-address.ts";

function choose(pools: string[], occupied: string[]): string | undefined {
  const subnet = chooseSubnet(
    pools.map((pool) => parseSubnet(pool)),
    24,
    occupied.map((other) => parseSubnet(other, true)),
  );
  return subnet === undefined ? undefined : renderSubnet(subnet);
}

describe("a subnet", () => {
  test.each([
    [[], "172.30.0.0/24"],
    [["172.30.0.0/24"], "172.30.1.0/24"],
    [["172.30.0.7/32", "172.30.2.0/23"], "172.30.1.0/24"],
    [["172.30.0.0/16"], "10.9.0.0/24"],
    [["172.16.0.0/12", "10.9.0.0/24"], "10.9.1.0/24"],
    [["0.0.0.0/0"], undefined],
    [["fd00::/8"], "172.30.0.0/24"],
  ])("beside %p is %p", (occupied, expected) => {
    expect(choose(["172.30.0.0/16", "10.9.0.0/23"], occupied)).toBe(expected);
  });

  test("is never one that overlaps, whatever the host has", () => {
    for (let i = 0; i < 100; i++) {
      const random = crypto.getRandomValues(new Uint8Array(30));
      const occupied = Array.from({ length: 10 }, (_, n) => {
        const [a = 0, b = 0, c = 0] = random.subarray(n * 3);
        return parseSubnet(`172.30.${a}.${b}/${20 + (c % 13)}`, true);
      });
      const subnet = chooseSubnet([parseSubnet("172.30.0.0/16")], 24, occupied);
      expect(subnet !== undefined && occupied.some((other) => subnetsOverlap(subnet, other))).toBe(false);
    }
  });

  test("too small for a gateway and a container is refused", () => {
    expect(gatewayOf(parseSubnet("10.0.0.0/30"))).toBe("10.0.0.1");
    expect(() => gatewayOf(parseSubnet("10.0.0.0/31"))).toThrow("too small");
    expect(() => gatewayOf(parseSubnet("10.0.0.0/32"))).toThrow("too small");
  });
});

describe("an address", () => {
  const subnet = "10.0.0.0/29";

  test("is the lowest free one, never gateway, network or broadcast, until the subnet is full", () => {
    const taken = new Set<string>();
    for (;;) {
      const address = chooseAddress(subnet, "10.0.0.1", taken);
      if (address === undefined) break;
      expect(taken.has(address)).toBe(false);
      taken.add(address);
    }
    expect([...taken]).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
  });

  test("that is asked for is given, or an error", () => {
    expect(chooseAddress(subnet, "10.0.0.1", new Set(), "10.0.0.5")).toBe("10.0.0.5");
    for (const taken of ["10.0.0.1", "10.0.0.0", "10.0.0.7", "10.0.0.3"]) {
      expect(() => chooseAddress(subnet, "10.0.0.1", new Set(["10.0.0.3"]), taken)).toThrow(
        "Address already in use",
      );
    }
    for (const outside of ["10.0.0.8", "fd00::1", "nonsense"]) {
      expect(() => chooseAddress(subnet, "10.0.0.1", new Set(), outside)).toThrow(
        "no configured subnet contains",
      );
    }
  });
});

test("a MAC follows from the address", () => {
  expect(macAddressOf("172.30.0.2")).toBe("02:42:ac:1e:00:02");
});

test("interface names fit, and differ by container and index", () => {
  const id = "0123456789abcdef".repeat(4);
  const names = [0, 1, 35].map((index) => hostInterfaceName(id, index));
  expect(names).toEqual(["bk0123456789a0", "bk0123456789a1", "bk0123456789az"]);
  expect(names.every((name) => name.length <= 15)).toBe(true);
});

import { describe, expect, test } from "bun:test";
import {
  chooseAddress,
  chooseSubnet,
  gatewayOf,
  hostInterfaceName,
  macAddressOf,
  uniqueLocalSubnet,
} from "../../../src/network/address-pool.ts";
import {
  addressAt,
  isHostAddress,
  parseAddress,
  parseSubnet,
  renderAddress,
  renderSubnet,
  subnetContains,
  subnetSize,
  subnetsOverlap,
} from "../../../src/network/ip-address.ts";
import type { AddressPool } from "../../../src/state/record.ts";

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

function poolOf(subnet: string, changes: Partial<AddressPool> = {}): AddressPool {
  return { subnet, gateway: gatewayOf(parseSubnet(subnet)), auxAddresses: {}, ...changes };
}

/** Every address that a pool gives, one after the other, until it has none. */
function drain(pool: AddressPool): string[] {
  const taken = new Set<string>();
  for (;;) {
    const address = chooseAddress(pool, taken);
    if (address === undefined) return [...taken];
    expect(taken.has(address)).toBe(false);
    taken.add(address);
  }
}

describe("an address", () => {
  const pool = poolOf("10.0.0.0/29");

  test("is the lowest free one, never gateway, network or broadcast, until the subnet is full", () => {
    expect(drain(pool)).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
    expect(drain(poolOf("10.0.0.0/30"))).toEqual(["10.0.0.2"]);
    expect(drain(poolOf("fd00::/126"))).toEqual(["fd00::2", "fd00::3"]);
  });

  test("is taken from the range, and never one that is reserved", () => {
    const auxAddresses = { router: "10.0.0.9" };
    const ranged = poolOf("10.0.0.0/24", { ipRange: "10.0.0.8/30", gateway: "10.0.0.11", auxAddresses });
    expect(drain(ranged)).toEqual(["10.0.0.8", "10.0.0.10"]);
    expect(chooseAddress(ranged, new Set(), "10.0.0.200")).toBe("10.0.0.200");
    expect(() => chooseAddress(ranged, new Set(), "10.0.0.9")).toThrow("Address already in use");
    expect(drain(poolOf("10.0.0.0/24", { ipRange: "10.0.0.0/32" }))).toEqual([]);
  });

  test("that is asked for is given, or an error", () => {
    expect(chooseAddress(pool, new Set(), "10.0.0.5")).toBe("10.0.0.5");
    expect(chooseAddress(poolOf("fd00::/64"), new Set(), "fd00:0:0::00ff")).toBe("fd00::ff");
    expect(chooseAddress(pool, new Set(["10.0.0.3"]), "10.0.0.3")).toBeUndefined();
    for (const nobodys of ["10.0.0.1", "10.0.0.0", "10.0.0.7"]) {
      expect(() => chooseAddress(pool, new Set(), nobodys)).toThrow("Address already in use");
    }
    for (const outside of ["10.0.0.8", "fd00::1", "nonsense"]) {
      expect(() => chooseAddress(pool, new Set(), outside)).toThrow(
        `no configured subnet contains IP address ${outside}`,
      );
    }
  });

  test("is never given twice, whatever pool it is and whoever comes and goes", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = randomNumbers(seed);
      const bits = 22 + random(9);
      const subnet = parseSubnet(`10.${random(256)}.${random(256)}.${random(256)}/${bits}`, true);
      const rangeText = `${renderAddress(addressAt(subnet, BigInt(random(Number(subnetSize(subnet))))))}/${bits + random(33 - bits)}`;
      const range = parseSubnet(rangeText, true);
      const auxAddresses = { a: renderAddress(addressAt(range, 0n)) };
      const some = poolOf(renderSubnet(subnet), { ipRange: renderSubnet(range), auxAddresses });
      const taken = new Set<string>();
      for (let step = 0; step < 60; step++) {
        if (random(3) === 0 && taken.size > 0) taken.delete([...taken][random(taken.size)] ?? "");
        const address = chooseAddress(some, taken);
        if (address === undefined) continue;
        const value = parseAddress(address);
        expect(value !== undefined && subnetContains(range, value) && isHostAddress(subnet, value)).toBe(
          true,
        );
        expect([some.gateway, auxAddresses.a].includes(address) || taken.has(address)).toBe(false);
        taken.add(address);
      }
    }
  });
});

/** Whole numbers below a bound, the same for a seed every time (mulberry32). */
function randomNumbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

test("a unique local subnet follows from the network's id", () => {
  const id = "0123456789abcdef".repeat(4);
  expect(uniqueLocalSubnet(id)).toBe("fdef:123:4567:89ab::/64");
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

import { describe, expect, test } from "bun:test";
import {
  isHostAddress,
  isLoopback,
  parseAddress,
  parseSubnet,
  renderAddress,
  renderSubnet,
  requireAddress,
  subnetContains,
  subnetsOverlap,
} from "../../../src/network/ip-address.ts";

describe("addresses", () => {
  test.each([
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["172.30.0.2", "172.30.0.2"],
    ["::", "::"],
    ["::1", "::1"],
    ["FD00:0:0::0001", "fd00::1"],
    ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:0:0:1:2:0:0:1", "2001::1:2:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["::ffff:1.2.3.4", "::ffff:102:304"],
    ["1::", "1::"],
  ])("%s is %s", (text, canonical) => {
    expect(renderAddress(requireAddress(text))).toBe(canonical);
  });

  test.each(["", "1.2.3", "1.2.3.256", "01.2.3.4", "fe80::1%eth0", ":::", "1:2", "x", "1.2.3.4/8"])(
    "%p is none",
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
      expect(() => requireAddress(text)).toThrow("is not an IP address");
    },
  );

  test("printing and parsing are inverse for random values", () => {
    for (let i = 0; i < 500; i++) {
      const words = crypto.getRandomValues(new BigUint64Array(2));
      // Zeroed groups make the compressed forms.
      const mask = 0xffff_0000_ffff_0000n;
      const value = (((words[0] ?? 0n) & mask) << 64n) | (words[1] ?? 0n);
      expect(parseAddress(renderAddress({ family: 6, value }))).toEqual({ family: 6, value });
      const short = value & 0xffff_ffffn;
      expect(parseAddress(renderAddress({ family: 4, value: short }))).toEqual({ family: 4, value: short });
    }
  });

  test.each([
    ["127.0.0.1", true],
    ["127.255.0.9", true],
    ["::1", true],
    ["128.0.0.1", false],
    ["::2", false],
    ["127.x", false],
  ])("%s is loopback: %p", (text, expected) => {
    expect(isLoopback(text)).toBe(expected);
  });
});

describe("subnets", () => {
  test.each(["10.0.0.0/8", "172.30.5.0/24", "0.0.0.0/0", "1.2.3.4/32", "fd00::/64", "::/0"])(
    "%s round trip",
    (text) => {
      expect(renderSubnet(parseSubnet(text))).toBe(text);
    },
  );

  test.each([
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0.0/",
    "/8",
    "10.0.0.0/8/8",
    "fd00::/129",
    "a/8",
    "10.0.0.0/-1",
  ])("%p is refused", (text) => {
    expect(() => parseSubnet(text)).toThrow(`invalid subnet "${text}"`);
  });

  test("bits after the prefix are an error that says what was meant", () => {
    expect(() => parseSubnet("10.0.0.1/24")).toThrow("the subnet is 10.0.0.0/24");
    expect(renderSubnet(parseSubnet("10.0.0.1/24", true))).toBe("10.0.0.0/24");
  });

  test.each([
    ["10.0.0.0/8", "10.1.0.0/16", true],
    ["10.1.0.0/16", "10.0.0.0/8", true],
    ["10.0.0.0/24", "10.0.1.0/24", false],
    ["0.0.0.0/0", "1.2.3.4/32", true],
    ["::/0", "1.2.3.4/32", false],
    ["fd00::/64", "fd00::1:0:0:0/80", true],
    ["10.0.0.0/31", "10.0.0.2/31", false],
  ])("%s and %s overlap: %p", (left, right, expected) => {
    expect(subnetsOverlap(parseSubnet(left, true), parseSubnet(right, true))).toBe(expected);
  });

  test("network and broadcast are no host addresses", () => {
    const subnet = parseSubnet("10.0.0.0/29");
    const hosts = Array.from({ length: 10 }, (_, n) => `10.0.0.${n}`).filter((text) =>
      isHostAddress(subnet, requireAddress(text)),
    );
    expect(hosts).toEqual(["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
    expect(subnetContains(subnet, requireAddress("fd00::1"))).toBe(false);
  });
});

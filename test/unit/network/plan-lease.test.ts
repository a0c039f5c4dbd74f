import { describe, expect, test } from "bun:test";
import type { NetworkConfig } from "../../../src/config/container-config.ts";
import { checkEndpoint, leaseFailure, planLease } from "../../../src/network/plan-lease.ts";
import type { LeaseRecord, NetworkRecord } from "../../../src/state/record.ts";
import { aLease, aNetwork } from "../state/state-fixture.ts";

const containerId = "0123456789ab".padEnd(64, "c");
const ipv6 = { subnet: "fd00::/64", gateway: "fd00::1", auxAddresses: {} };
const named = (changes: Partial<NetworkRecord> = {}) => aNetwork({ name: "net", ...changes });
const asking = (changes: Partial<NetworkConfig> = {}): NetworkConfig => ({
  name: "net",
  aliases: [],
  ...changes,
});

function plan(
  network: NetworkRecord,
  request: NetworkConfig = asking(),
  more: { held?: readonly LeaseRecord[]; hostname?: string; taken?: readonly string[] } = {},
) {
  const { held = [], taken = [], ...rest } = more;
  return planLease(network, { containerId, request, held, ...rest }, new Set(taken));
}

describe("a lease", () => {
  test("has an address of each family, a MAC, and the names that others use", () => {
    const request = asking({ aliases: ["db", "db"], gatewayPriority: -1 });
    expect(
      plan(named({ ipv6 }), request, { hostname: "box", taken: ["172.30.0.2", "fd00::2"] }),
    ).toMatchObject({
      address: "172.30.0.3",
      address6: "fd00::3",
      macAddress: "02:42:ac:1e:00:03",
      hostInterface: "bk0123456789a0",
      containerInterface: "eth0",
      aliases: ["db", "0123456789ab", "box"],
      gatewayPriority: -1,
    });
  });

  test("has no names on the default network, and no MAC of its own on ipvlan", () => {
    expect(plan(aNetwork(), asking(), { hostname: "box" })?.aliases).toEqual([]);
    expect(plan(named({ driver: "ipvlan" }))?.macAddress).toBe("");
  });

  test("takes the lowest interface that is free, by the network's prefix or the name asked for", () => {
    const network = named();
    const held = [
      aLease("n", containerId, "1", { containerInterface: "eth0", hostInterface: "bk0123456789a0" }),
      aLease("m", containerId, "2", { containerInterface: "eth2", hostInterface: "bk0123456789a2" }),
    ];
    expect(plan(network, asking(), { held })).toMatchObject({
      containerInterface: "eth1",
      hostInterface: "bk0123456789a1",
    });
    const options = { "com.docker.network.container_iface_prefix": "lan" };
    expect(plan(named({ options }), asking(), { held })?.containerInterface).toBe("lan0");
    const driverOptions = { "com.docker.network.endpoint.ifname": "eth2" };
    expect(plan(network, asking({ driverOptions }))?.containerInterface).toBe("eth2");
    expect(() => plan(network, asking({ driverOptions }), { held })).toThrow("interface name eth2 is taken");
  });

  test("is none when an address of either family is taken", () => {
    const network = named({ ipv6 });
    expect(plan(network, asking({ ip: "172.30.0.9" }), { taken: ["172.30.0.9"] })).toBeUndefined();
    expect(plan(network, asking({ ip6: "fd00::9" }), { taken: ["fd00::9"] })).toBeUndefined();
    expect(leaseFailure(network, asking({ ip6: "fd00::9" })).message).toBe("Address already in use");
    expect(leaseFailure(network, asking()).message).toContain("no available IPv4 addresses");
  });
});

test.each<[Partial<NetworkRecord>, Partial<NetworkConfig>, string]>([
  [{ name: "bridge" }, { ip: "172.30.0.9" }, "supported on user defined networks only"],
  [
    { name: "bridge" },
    { aliases: ["x"] },
    "network-scoped aliases are only supported for user-defined networks",
  ],
  [{ hasOwnSubnet: false }, { ip: "172.30.0.9" }, "networks with user configured subnets"],
  [{}, { ip: "10.0.0.1" }, "no configured subnet contains IP address 10.0.0.1"],
  [{}, { ip6: "fd00::9" }, "no configured subnet contains IP address fd00::9"],
  [{ ipv6 }, { ip6: "fd01::9" }, "no configured subnet contains IP address fd01::9"],
  [{ driver: "ipvlan" }, { macAddress: "02:00:00:00:00:01" }, "do not support custom mac address"],
  [{}, { macAddress: "01:42:00:00:00:01" }, "01:42:00:00:00:01 cannot be an interface's address"],
  [{ name: "bridge" }, { macAddress: "00:00:00:00:00:00" }, "all zeros, or a group's"],
])("%p: %p is no endpoint", (network, request, reason) => {
  const check = () => checkEndpoint(named(network), asking(request));
  expect(check).toThrow(reason);
  expect(check).toThrow(/^invalid config for network \S+: invalid endpoint settings:\n/);
});

test("an endpoint that is taken is another matter", () => {
  expect(() => checkEndpoint(named(), asking({ ip: "172.30.0.1" }))).not.toThrow();
});

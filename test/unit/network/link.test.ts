import { describe, expect, test } from "bun:test";
import { type Endpoint, routeEndpoint } from "../../../src/network/default-route.ts";
import { planInterfaces, planLinks, planNames } from "../../../src/network/link.ts";
import { planInside } from "../../../src/network/live-endpoint.ts";
import type { LeaseRecord, NetworkRecord } from "../../../src/state/record.ts";
import { aLease, aNetwork } from "../state/state-fixture.ts";

const container = "c".repeat(64);

function endpoint(
  name: string,
  index: number,
  network: Partial<NetworkRecord> = {},
  lease: Partial<LeaseRecord> = {},
): Endpoint {
  const subnet = `10.${index}.0`;
  const record = aNetwork({
    name,
    bridge: `br${index}`,
    subnet: `${subnet}.0/24`,
    gateway: `${subnet}.1`,
    ...network,
  });
  const names = { containerInterface: `eth${index}`, hostInterface: `bkc${index}` };
  return { network: record, lease: aLease(record.id, container, `${subnet}.2`, { ...names, ...lease }) };
}

const ipv6 = { subnet: "fd00::/64", gateway: "fd00::1", auxAddresses: {} };

describe("the default route", () => {
  test("goes to the highest priority, then to the first name, never into an internal network", () => {
    const [b, a] = [endpoint("b", 0), endpoint("a", 1)];
    expect(routeEndpoint([b, a], 4)).toBe(a);
    const inner = endpoint("0", 2, { internal: true }, { gatewayPriority: 9 });
    expect(routeEndpoint([inner, b, a], 4)).toBe(a);
    const first = endpoint("z", 3, {}, { gatewayPriority: 1 });
    expect(routeEndpoint([b, a, first], 4)).toBe(first);
    expect(routeEndpoint([inner], 4)).toBeUndefined();
  });

  test("of IPv6 is chosen among those that have it", () => {
    const [a, b] = [endpoint("a", 0), endpoint("b", 1, { ipv6 }, { address6: "fd00::2" })];
    const [first, second] = planInterfaces([a, b]);
    expect(first).toEqual({ name: "eth0", address: "10.0.0.2/24", mtu: 1500, gateway: "10.0.0.1" });
    expect(second).toEqual({
      name: "eth1",
      address: "10.1.0.2/24",
      address6: "fd00::2/64",
      mtu: 1500,
      gateway6: "fd00::1",
    });
  });
});

function stdinOf(steps: ReturnType<typeof planLinks>): string {
  const [step] = steps;
  return step?.kind === "command" ? (step.stdin ?? "") : "";
}

describe("links", () => {
  test("are veth pairs on a bridge, apart from each other where containers are not to talk", () => {
    const options = { "com.docker.network.bridge.enable_icc": "false" };
    const text = stdinOf(planLinks([endpoint("a", 0), endpoint("b", 1, { options })], "42"));
    expect(text.split("\n")).toEqual([
      "link add name bkc0 mtu 1500 up master br0 type veth peer name eth0 mtu 1500 address 02:42:ac:1e:00:02 netns 42",
      "link set dev bkc0 type bridge_slave hairpin on",
      "link add name bkc1 mtu 1500 up master br1 type veth peer name eth1 mtu 1500 address 02:42:ac:1e:00:02 netns 42",
      "link set dev bkc1 type bridge_slave hairpin on isolated on",
      "",
    ]);
    expect(planLinks([], "42")).toEqual([]);
  });

  test("of macvlan and ipvlan get their names inside", () => {
    const macvlan = endpoint("m", 0, {
      driver: "macvlan",
      bridge: "eth0",
      options: { macvlan_mode: "private" },
    });
    const ipvlan = endpoint("i", 1, { driver: "ipvlan", bridge: "eth9" });
    expect(stdinOf(planLinks([macvlan, ipvlan], "/proc/1/fd/9"))).toBe(
      "link add link eth0 name bkc0 mtu 1500 address 02:42:ac:1e:00:02 netns /proc/1/fd/9 type macvlan mode private\n" +
        "link add link eth9 name bkc1 mtu 1500 netns /proc/1/fd/9 type ipvlan mode l2\n",
    );
    expect(stdinOf(planNames([macvlan, ipvlan, endpoint("b", 2)]))).toBe(
      "link set dev bkc0 name eth0\nlink set dev bkc1 name eth1\n",
    );
  });

  test("of a running container get addresses, and take the default route if it is theirs", () => {
    const old = endpoint("b", 0);
    const added = endpoint("a", 1, { ipv6 }, { address6: "fd00::2" });
    const steps = planInside(added, [old, added]);
    expect(steps.map((step) => (step.kind === "write" ? `${step.path}=${step.data}` : step.kind))).toEqual([
      "/proc/sys/net/ipv6/conf/eth1/disable_ipv6=0",
      "/proc/sys/net/ipv6/conf/eth1/accept_ra=0",
      "command",
    ]);
    expect(stdinOf(steps.slice(2)).split("\n")).toEqual([
      "addr add 10.1.0.2/24 broadcast + dev eth1",
      "addr add fd00::2/64 dev eth1 nodad",
      "link set dev eth1 up",
      "route replace default via 10.1.0.1 dev eth1",
      "route replace default via fd00::1 dev eth1",
      "",
    ]);
    const plain = endpoint("c", 2);
    expect(planInside(plain, [old, plain]).map((step) => step.label)).toEqual([
      "set disable_ipv6 of interface eth2",
      "set up interface eth2",
    ]);
  });
});

import { describe, expect, test } from "bun:test";
import { parseSubnet } from "../../../src/network/ip-address.ts";
import { defaultNetworkOptions } from "../../../src/network/network-options.ts";
import { bridgeSettingsOf, resolveOptions } from "../../../src/network/network-setting.ts";
import {
  type NetworkFacts,
  type NetworkRequest,
  planDefaultNetwork,
  planNetwork,
} from "../../../src/network/plan-network.ts";
import { aNetwork } from "../state/state-fixture.ts";

const settings = { ...defaultNetworkOptions("/run/x"), pools: ["10.50.0.0/22"] };
const facts: NetworkFacts = { settings, occupied: [], networks: [] };

function requestOf(changes: Partial<NetworkRequest>): NetworkRequest {
  return {
    name: "net",
    driver: "bridge",
    pools: [],
    ipv6: false,
    internal: false,
    attachable: false,
    labels: {},
    options: {},
    ...changes,
  };
}

function plan(changes: Partial<NetworkRequest>, more: Partial<NetworkFacts> = {}) {
  return planNetwork(requestOf(changes), { ...facts, ...more });
}

const pool = (subnet: string) => ({ subnet, auxAddresses: {} });

describe("a network", () => {
  test("gets docker's bridge name and the first subnet that is nobody's", () => {
    const network = plan(
      {},
      { occupied: [parseSubnet("10.50.0.0/24")], networks: [aNetwork({ subnet: "10.50.1.0/24" })] },
    );
    expect(network).toMatchObject({
      bridge: `br-${network.id.slice(0, 12)}`,
      subnet: "10.50.2.0/24",
      gateway: "10.50.2.1",
      hasOwnSubnet: false,
      mtu: 1500,
    });
    expect(network.ipv6).toBeUndefined();
  });

  test("says so when the pools are empty", () => {
    expect(() => plan({}, { occupied: [parseSubnet("10.0.0.0/8")] })).toThrow(
      "could not find an available, non-overlapping IPv4 address pool among the defaults",
    );
  });

  test("has IPv6 when it is asked for, or a subnet of it is", () => {
    expect(plan({ ipv6: true }).ipv6).toMatchObject({ subnet: expect.stringMatching(/^fd.*::\/64$/) });
    expect(plan({ pools: [pool("fd01::/64")] })).toMatchObject({
      subnet: "10.50.0.0/24",
      ipv6: { subnet: "fd01::/64", gateway: "fd01::1" },
      hasOwnSubnet: true,
    });
  });

  test("does not overlap another, nor, unless it hangs on the host's link, the host", () => {
    const message = "invalid pool request: Pool overlaps with other one on this address space";
    const pools = [pool("10.60.0.0/16")];
    const occupied = [parseSubnet("10.60.7.0/24")];
    expect(() => plan({ pools }, { occupied })).toThrow(message);
    expect(() => plan({ pools }, { networks: [aNetwork({ subnet: "10.60.7.0/24" })] })).toThrow(message);
    const second = aNetwork({ ipv6: { subnet: "fd02::/32", gateway: "fd02::1", auxAddresses: {} } });
    expect(() => plan({ pools: [pool("fd02:0:1::/64")] }, { networks: [second] })).toThrow(message);
    const options = { parent: "eth0" };
    expect(plan({ driver: "macvlan", options, pools }, { occupied })).toMatchObject({
      bridge: "eth0",
      subnet: "10.60.0.0/16",
      internal: false,
    });
  });

  test("of macvlan without a parent is internal, on a dummy link", () => {
    const network = plan({ driver: "macvlan" });
    expect(network).toMatchObject({ bridge: `dm-${network.id.slice(0, 12)}`, internal: true });
  });

  test.each<[Partial<NetworkRequest>, string]>([
    [{ name: "host" }, "operation is not permitted on predefined host network"],
    [{ name: "bridge" }, "operation is not permitted on predefined bridge network"],
    [{ name: "a b" }, 'invalid network name "a b"'],
    [{ name: "" }, 'invalid network name ""'],
    [{ name: "container:x" }, "invalid network name"],
    [{ driver: "weave" }, 'plugin "weave" not found'],
    [{ driver: "host" }, 'only one instance of "host" network is allowed'],
    [{ driver: "null" }, 'only one instance of "null" network is allowed'],
    [{ pools: [pool("10.1.0.0/24"), pool("10.2.0.0/24")] }, "bridge driver doesn't support multiple subnets"],
    [{ options: { color: "red" } }, 'unknown option "color" for driver bridge'],
    [{ options: { parent: "eth0" } }, 'unknown option "parent" for driver bridge'],
    [{ options: { mtu: "many" } }, 'option mtu="many": not a number of bytes'],
    [{ options: { mtu: "67" } }, "not a number of bytes from 68 to 65535"],
    [{ options: { icc: "maybe" } }, "not true or false"],
    [{ options: { "com.docker.network.bridge.name": "../../etc" } }, "not the name of an interface"],
    [{ options: { host_binding_ipv4: "::1" } }, "not an IPv4 address"],
    [{ driver: "ipvlan", options: { parent: "lo" } }, "loopback interface is not a valid ipvlan parent link"],
    [{ driver: "macvlan", options: { mode: "fast" } }, "not one of bridge, private, vepa, passthru"],
  ])("%p is refused", (changes, message) => {
    expect(() => plan(changes)).toThrow(message);
  });

  test("that is the default one has the settings' bridge and subnet", () => {
    const own = planDefaultNetwork({ ...facts, settings: { ...settings, subnet: "10.7.0.0/16" } });
    expect(own).toMatchObject({
      name: "bridge",
      bridge: "bocker0",
      subnet: "10.7.0.0/16",
      hasOwnSubnet: false,
    });
  });
});

describe("options", () => {
  test("are kept under docker's names, whatever they were called", () => {
    const asked = { mtu: "1400", icc: "0", masquerade: "t", bridge: "br7" };
    expect(resolveOptions("bridge", asked)).toEqual({
      "com.docker.network.driver.mtu": "1400",
      "com.docker.network.bridge.enable_icc": "false",
      "com.docker.network.bridge.enable_ip_masquerade": "true",
      "com.docker.network.bridge.name": "br7",
    });
    expect(resolveOptions("ipvlan", { mode: "l2" })).toEqual({ ipvlan_mode: "l2" });
  });

  test("say how a bridge behaves", () => {
    expect(bridgeSettingsOf({ options: {} })).toEqual({ icc: true, masquerade: true });
    const options = resolveOptions("bridge", {
      icc: "false",
      masquerade: "false",
      host_binding: "127.0.0.1",
    });
    expect(bridgeSettingsOf({ options })).toEqual({
      icc: false,
      masquerade: false,
      hostBinding: "127.0.0.1",
    });
  });
});

import { describe, expect, test } from "bun:test";
import { probeFirewalls } from "../../../src/network/choose-firewall.ts";
import { isKernelForwarded } from "../../../src/network/firewall.ts";
import type { Firewall } from "../../../src/network/firewall-backend.ts";
import { planForwardAccepts } from "../../../src/network/host-firewall.ts";
import { iptablesFirewall, renderChains } from "../../../src/network/iptables-firewall.ts";
import { optionName } from "../../../src/network/network-setting.ts";
import { nftFirewall, renderElements, renderRules } from "../../../src/network/nft-firewall.ts";
import { planIsolation } from "../../../src/network/userland-firewall.ts";
import type { NetworkRecord, PortRecord } from "../../../src/state/record.ts";
import { aNetwork } from "../state/state-fixture.ts";

function port(changes: Partial<PortRecord> = {}): PortRecord {
  return {
    containerId: "c",
    hostIp: "0.0.0.0",
    hostPort: 8080,
    containerIp: "172.30.0.2",
    containerPort: 80,
    protocol: "tcp",
    ...changes,
  };
}

const guarded = aNetwork({
  bridge: "guard0",
  subnet: "10.2.0.0/24",
  ipv6: { subnet: "fd00:2::/64", gateway: "fd00:2::1", auxAddresses: {} },
  options: { [optionName.icc]: "false", [optionName.masquerade]: "false" },
});
const networks = [aNetwork(), aNetwork({ bridge: "in0", subnet: "10.1.0.0/24", internal: true })];

describe("nft", () => {
  test("a port is an element of the map for all, or for one address", () => {
    const ports = [port(), port({ hostPort: 53, protocol: "udp" }), port({ hostIp: "192.0.2.2" })];
    expect(renderElements("t", "add", ports)).toBe(
      "add element inet t published { tcp . 8080 : 172.30.0.2 . 80, udp . 53 : 172.30.0.2 . 80 }\n" +
        "add element inet t published_at { 192.0.2.2 . tcp . 8080 : 172.30.0.2 . 80 }\n",
    );
    expect(renderElements("t", "delete", [port()])).toBe("delete element inet t published { tcp . 8080 }\n");
    expect(renderElements("t", "add", [])).toBe("");
  });

  test("an IPv6 port goes to a container's IPv6 address", () => {
    const ports = [
      port({ hostIp: "::", containerIp: "fd00::2" }),
      port({ hostIp: "2001:db8::1", containerIp: "fd00::2", protocol: "sctp" }),
    ];
    expect(renderElements("t", "add", ports)).toBe(
      "add element inet t published6 { tcp . 8080 : fd00::2 . 80 }\n" +
        "add element inet t published6_at { 2001:db8::1 . sctp . 8080 : fd00::2 . 80 }\n",
    );
  });

  test("the rules touch one table, and replace all of it", () => {
    const lines = renderRules("t", networks, [port()]).trim().split("\n");
    const own = /^(add|delete) (table|set|map|chain|rule|element) inet t\b/;
    expect(lines.filter((line) => !own.test(line))).toEqual([]);
    expect(lines.slice(0, 3)).toEqual(["add table inet t", "delete table inet t", "add table inet t"]);
  });

  test("icc, masquerade and IPv6 are the network's own", () => {
    const script = renderRules("t", [guarded], []);
    expect(script).toContain("add element inet t subnets { 10.2.0.0/24 }\n");
    expect(script).toContain("add element inet t subnets6 { fd00:2::/64 }\n");
    expect(script).toContain('add element inet t apart { "guard0" }\n');
    expect(script).not.toMatch(/add element inet t (hidden|hidden6|same) /);
  });

  test("an internal network is not masqueraded", () => {
    const script = renderRules("t", networks, []);
    expect(script).toContain("add element inet t hidden { 172.30.0.0/24 }\n");
    expect(script).toContain('add element inet t internal { "in0" }\n');
    expect(script).toContain('add element inet t same { "bocker0" . "bocker0", "in0" . "in0" }\n');
  });

  test("publishing is one transaction with its undo", () => {
    const steps = nftFirewall("t").planChange(
      [port(), port({ hostIp: "192.0.2.2" })],
      [port({ hostPort: 81 })],
    );
    expect(steps.length).toBe(1);
    expect(steps[0]).toMatchObject({
      label: "publish 0.0.0.0:8080/tcp, 192.0.2.2:8080/tcp, stop publishing 0.0.0.0:81/tcp",
      stdin:
        "delete element inet t published { tcp . 81 }\n" +
        "add element inet t published { tcp . 8080 : 172.30.0.2 . 80 }\n" +
        "add element inet t published_at { 192.0.2.2 . tcp . 8080 : 172.30.0.2 . 80 }\n",
    });
    expect(steps[0]?.undo).toMatchObject({
      argv: ["nft", "-f", "-"],
      stdin:
        "delete element inet t published { tcp . 8080 }\n" +
        "delete element inet t published_at { 192.0.2.2 . tcp . 8080 }\n" +
        "add element inet t published { tcp . 81 : 172.30.0.2 . 80 }\n",
    });
  });
});

describe("iptables", () => {
  test("jumps that are there are not made again", () => {
    const first = renderChains(4, "B", networks, [port()], []);
    expect(first).toContain("-I FORWARD -j B-FORWARD");
    expect(first).toContain("-A POSTROUTING -j B-POST");
    const present = ["-A FORWARD -j B-FORWARD", "-A POSTROUTING -j B-POST"];
    const again = renderChains(4, "B", networks, [port()], present);
    expect(again).not.toContain("-I FORWARD");
    expect(again).not.toContain("-A POSTROUTING -j");
    expect(again).toContain("-A PREROUTING -m addrtype --dst-type LOCAL -j B-PRE\n");
  });

  test("ports are DNAT rules, internal networks neither leave nor are masqueraded", () => {
    const script = renderChains(4, "B", networks, [port({ hostIp: "192.0.2.2", protocol: "udp" })], []);
    expect(script).toContain(
      "-A B -d 192.0.2.2/32 -p udp -m udp --dport 8080 -j DNAT --to-destination 172.30.0.2:80\n",
    );
    expect(script).toContain("-A B-FORWARD -i in0 -j DROP\n");
    expect(script).toContain("-A B-FORWARD -i bocker0 -j ACCEPT\n");
    expect(script).not.toContain("-s 10.1.0.0/24 ! -o in0");
  });

  test("the rules of IPv6 are for networks that have it", () => {
    const ports = [port({ hostIp: "2001:db8::1", containerIp: "fd00:2::2" })];
    const script = renderChains(6, "B", [...networks, guarded], ports, []);
    expect(script).toContain(
      "-A B -d 2001:db8::1/128 -p tcp -m tcp --dport 8080 -j DNAT --to-destination [fd00:2::2]:80\n",
    );
    expect(script).toContain("-A OUTPUT ! -d ::1/128 -m addrtype --dst-type LOCAL -j B\n");
    expect(script).toContain("-A B-POST -s fd00:2::/64 -d fd00:2::/64 -m conntrack --ctstate DNAT");
    expect(script).toContain("-A B-FORWARD -o guard0 -j DROP\n");
    expect(script).toContain("-A B-PRE -i guard0 -j RETURN\n-A B-PRE -j B\n");
    expect(script).not.toMatch(/bocker0|in0|MASQUERADE\n.*MASQUERADE|-i guard0 -o guard0/s);
  });

  test("a change is one transaction for each family, with its undo", () => {
    const steps = iptablesFirewall("b").planChange(
      [port(), port({ hostIp: "::", containerIp: "fd00::2" })],
      [port({ hostPort: 81 })],
    );
    const rule = (hostPort: number) =>
      `B -p tcp -m tcp --dport ${hostPort} -j DNAT --to-destination 172.30.0.2:80`;
    expect(steps.map((step) => step.kind === "command" && step.argv[0])).toEqual([
      "iptables-restore",
      "ip6tables-restore",
    ]);
    expect(steps[0]).toMatchObject({
      stdin: `*nat\n-D ${rule(81)}\n-I ${rule(8080)}\nCOMMIT\n`,
      undo: { stdin: `*nat\n-D ${rule(8080)}\n-I ${rule(81)}\nCOMMIT\n` },
    });
  });
});

describe("a FORWARD policy of DROP", () => {
  const accepts = (listing: string, some = [aNetwork()]) =>
    planForwardAccepts("iptables", listing, "t", some).map((step) => step.kind === "command" && step.stdin);
  const rule = (match: string) => `FORWARD ${match} -m comment --comment t -j ACCEPT`;

  test("gets an accept for each bridge and direction, last, once", () => {
    const listing = `-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n-A ${rule("-i bocker0")}\n`;
    expect(accepts(listing)).toEqual([`*filter\n-A ${rule("-o bocker0")}\nCOMMIT\n`]);
    expect(accepts(`${listing}-A ${rule("-o bocker0")}\n`)).toEqual([]);
  });

  test("what is left of a network that is gone goes, what others wrote stays", () => {
    const listing = `-P FORWARD DROP\n-A FORWARD -i bocker0 -j ACCEPT\n-A ${rule("-i old0")}\n`;
    expect(accepts(listing, [])).toEqual([`*filter\n-D ${rule("-i old0")}\nCOMMIT\n`]);
  });

  test("ACCEPT needs nothing", () => {
    expect(accepts("-P FORWARD ACCEPT\n")).toEqual([]);
    expect(accepts("")).toEqual([]);
    expect(accepts(`-P FORWARD ACCEPT\n-A ${rule("-i bocker0")}\n`)).toEqual([
      `*filter\n-D ${rule("-i bocker0")}\nCOMMIT\n`,
    ]);
  });
});

describe("policy routing", () => {
  const closed = aNetwork({ bridge: "in0", subnet: "10.1.0.0/24", internal: true });
  const plan = (some: readonly NetworkRecord[], tables: Readonly<Record<string, string>> = {}) =>
    planIsolation(4, "t", some, (...words) => (tables[words.join(" ")] ?? "").split("\n")).map(
      (step) => step.kind === "command" && step.stdin,
    );
  const script = String(plan([aNetwork(), closed])[0]);
  const number = Number(/table (\d+)/.exec(script)?.[1]);

  test("prohibits the subnets to every bridge, and everything to an internal one", () => {
    expect(script).toBe(
      [
        `route add prohibit 172.30.0.0/24 table ${number}`,
        `route add prohibit 10.1.0.0/24 table ${number}`,
        `route add prohibit default table ${number + 1}`,
        `rule add iif bocker0 lookup ${number} priority 1900`,
        `rule add iif in0 lookup ${number + 1} priority 1900`,
        "",
      ].join("\n"),
    );
  });

  test("adds what is missing, removes what is left, and leaves others' rules alone", () => {
    const tables = {
      "rule show": [
        "0:\tfrom all lookup local",
        `1900:\tfrom all iif bocker0 [detached] lookup ${number}`,
        `1900:\tfrom all iif in0 lookup ${number + 1}`,
        "1900:\tfrom all iif other0 lookup 77",
        "32766:\tfrom all lookup main",
      ].join("\n"),
      [`route show table ${number}`]: "prohibit 172.30.0.0/24 \nprohibit 10.1.0.0/24 \n",
      [`route show table ${number + 1}`]: "prohibit default \n",
    };
    expect(plan([aNetwork(), closed], tables)).toEqual([]);
    expect(plan([aNetwork()], tables)).toEqual([
      [
        `rule del iif in0 lookup ${number + 1} priority 1900`,
        `route del prohibit 10.1.0.0/24 table ${number}`,
        `route del prohibit default table ${number + 1}`,
        "",
      ].join("\n"),
    ]);
  });
});

describe("choosing", () => {
  function backend(name: Firewall["name"], problem?: string): Firewall {
    const none = () => [];
    return { name, probe: () => problem, planRules: none, planRemoval: none, planChange: none };
  }

  test("the first that works, with the reasons", () => {
    const choice = probeFirewalls([
      backend("nft", "no such program"),
      backend("iptables"),
      backend("userland"),
    ]);
    expect(choice.firewall.name).toBe("iptables");
    expect(choice.reasons).toEqual(["nft: no such program", "iptables: works"]);
  });

  test.each([
    ["0.0.0.0", "172.30.0.2", "nft", true],
    ["192.0.2.2", "172.30.0.2", "iptables", true],
    ["127.0.0.1", "172.30.0.2", "nft", false],
    ["::", "172.30.0.2", "nft", false],
    ["::", "fd00::2", "nft", true],
    ["::1", "fd00::2", "nft", false],
    ["0.0.0.0", "172.30.0.2", "userland", false],
  ] as const)("%s to %s with %s is the kernel's: %p", (hostIp, containerIp, firewall, expected) => {
    const at = port({ hostIp, containerIp });
    expect(isKernelForwarded(at, firewall, { publishPolicy: "direct" })).toBe(expected);
    expect(isKernelForwarded(at, firewall, { publishPolicy: "respect-host" })).toBe(false);
  });
});

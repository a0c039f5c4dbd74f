import { describe, expect, test } from "bun:test";
import { isKernelForwarded, probeFirewalls } from "../../../src/network/firewall.ts";
import type { Firewall } from "../../../src/network/firewall-backend.ts";
import { planForwardAccepts } from "../../../src/network/forward-policy.ts";
import { renderChains } from "../../../src/network/iptables-firewall.ts";
import { nftFirewall, renderElements, renderRules } from "../../../src/network/nft-firewall.ts";
import type { PortRecord } from "../../../src/state/record.ts";
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

const networks = [aNetwork(), aNetwork({ bridge: "in0", subnet: "10.1.0.0/24", internal: true })];

describe("nft", () => {
  test("a port is an element of the map for all, or for one address", () => {
    const ports = [port(), port({ hostPort: 53, protocol: "udp" }), port({ hostIp: "192.0.2.2" })];
    expect(renderElements("t", "add", ports)).toBe(
      "add element ip t published { tcp . 8080 : 172.30.0.2 . 80, udp . 53 : 172.30.0.2 . 80 }\n" +
        "add element ip t published_at { 192.0.2.2 . tcp . 8080 : 172.30.0.2 . 80 }\n",
    );
    expect(renderElements("t", "delete", [port()])).toBe("delete element ip t published { tcp . 8080 }\n");
    expect(renderElements("t", "add", [])).toBe("");
  });

  test("the rules touch one table, and replace all they declare", () => {
    const lines = renderRules("t", networks, [port()]).trim().split("\n");
    expect(lines.every((line) => /^(add|flush) (table|set|map|chain|rule|element) ip t\b/.test(line))).toBe(
      true,
    );
    for (const [index, line] of lines.entries()) {
      if (/^add (set|map|chain) /.test(line)) expect(lines[index + 1]).toStartWith("flush ");
    }
  });

  test("an internal network is not masqueraded", () => {
    const script = renderRules("t", networks, []);
    expect(script).toContain("add element ip t subnets { 172.30.0.0/24 }\n");
    expect(script).toContain('add element ip t internal { "in0" }\n');
    expect(script).toContain('add element ip t same { "bocker0" . "bocker0", "in0" . "in0" }\n');
  });

  test("publishing is one transaction with its undo", () => {
    const steps = nftFirewall("t").planPublish([port(), port({ hostIp: "192.0.2.2" })]);
    expect(steps.length).toBe(1);
    expect(steps[0]?.undo).toMatchObject({ argv: ["nft", "-f", "-"] });
    expect(steps[0]?.label).toBe("publish 0.0.0.0:8080/tcp, 192.0.2.2:8080/tcp");
  });
});

describe("iptables", () => {
  test("jumps that are there are not made again", () => {
    const first = renderChains("B", networks, [port()], []);
    expect(first).toContain("-I FORWARD -j B-FORWARD");
    expect(first).toContain("-A POSTROUTING -j B-POST");
    const present = ["-A FORWARD -j B-FORWARD", "-A POSTROUTING -j B-POST"];
    const again = renderChains("B", networks, [port()], present);
    expect(again).not.toContain("-I FORWARD");
    expect(again).not.toContain("-A POSTROUTING -j");
    expect(again).toContain("-A PREROUTING -m addrtype --dst-type LOCAL -j B\n");
  });

  test("ports are DNAT rules, internal networks neither leave nor are masqueraded", () => {
    const script = renderChains("B", networks, [port({ hostIp: "192.0.2.2", protocol: "udp" })], []);
    expect(script).toContain(
      "-A B -d 192.0.2.2/32 -p udp -m udp --dport 8080 -j DNAT --to-destination 172.30.0.2:80\n",
    );
    expect(script).toContain("-A B-FORWARD -i in0 -j DROP\n");
    expect(script).toContain("-A B-FORWARD -i bocker0 -j ACCEPT\n");
    expect(script).not.toContain("-s 10.1.0.0/24 ! -o in0");
  });
});

describe("a FORWARD policy of DROP", () => {
  test("gets an accept for each bridge and direction, last, once", () => {
    const listing = "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n-A FORWARD -i bocker0 -j ACCEPT\n";
    const argv = planForwardAccepts(listing, [aNetwork()]).map(
      (step) => step.kind === "command" && step.argv.join(" "),
    );
    expect(argv).toEqual(["iptables -w -A FORWARD -o bocker0 -j ACCEPT"]);
  });

  test("ACCEPT needs nothing", () => {
    expect(planForwardAccepts("-P FORWARD ACCEPT\n", [aNetwork()])).toEqual([]);
    expect(planForwardAccepts("", [aNetwork()])).toEqual([]);
  });
});

describe("choosing", () => {
  function backend(name: Firewall["name"], problem?: string): Firewall {
    const none = () => [];
    return { name, probe: () => problem, planRules: none, planPublish: none, planUnpublish: none };
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
    ["0.0.0.0", "nft", true],
    ["192.0.2.2", "iptables", true],
    ["127.0.0.1", "nft", false],
    ["::", "nft", false],
    ["0.0.0.0", "userland", false],
  ] as const)("%s with %s is the kernel's: %p", (hostIp, firewall, expected) => {
    expect(isKernelForwarded(port({ hostIp }), firewall)).toBe(expected);
  });
});

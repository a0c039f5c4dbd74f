/**
 * Who reaches whom, the same for each firewall backend, over IPv4 and IPv6: user networks, internal ones, icc, masquerade,
 * published ports, and other firewalls on the host.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { runCommand, tryCommand } from "../../src/host/run-command.ts";
import { forgetNetwork } from "../../src/network/firewall.ts";
import { optionName } from "../../src/network/network-setting.ts";
import { declaredRules, redeclareRules, releaseNetworking } from "../../src/network/release-networking.ts";
import { removeNetwork } from "../../src/state/network.ts";
import type { NetworkRecord } from "../../src/state/record.ts";
import { ask, from, fromHost, type Guest, GuestWorld, hear, port, serveEcho } from "../lib/network-guest.ts";

const backends = ["nft", "iptables", "userland"] as const;
const lan6 = "2001:db8::9";
const host6 = "2001:db8::1";

let world: GuestWorld;
afterEach(() => world[Symbol.asyncDispose]());

/** Two user networks with both families, and one more of each kind that is asked for. */
function twoNetworks(changes: Partial<NetworkRecord> = {}): void {
  for (const number of [1, 2]) {
    world.network({
      name: `net${number}`,
      bridge: `bktest${number}`,
      subnet: `172.28.${number}.0/24`,
      gateway: `172.28.${number}.1`,
      ipv6: { subnet: `fd00:${number}::/64`, gateway: `fd00:${number}::1`, auxAddresses: {} },
      ...(number === 1 ? changes : {}),
    });
  }
}

const inNet = (number: number) => ({ networks: [{ name: `net${number}`, aliases: [] }] });

/** The lan and the host speak IPv6 to each other. */
function joinIpv6(): void {
  runCommand(["ip", "addr", "add", `${host6}/64`, "dev", "lan0", "nodad"]);
  runCommand(["nsenter", "-t", String(world.lab.lanPid), "-n", "ip", "-batch", "-"], {
    stdin: `addr add ${lan6}/64 dev eth0 nodad\nroute add default via ${host6}\nroute add default via 203.0.113.1\n`,
  });
}

/** No answer, for whatever reason: dropped, refused, no route. */
async function expectSilence(...attempts: readonly Promise<string>[]): Promise<void> {
  for (const answer of await Promise.all(attempts))
    expect(answer).toMatch(/socat\[.*(timed out|refused|route|denied|unreachable)/);
}

async function serving(config: Parameters<GuestWorld["start"]>[0], tag: string): Promise<Guest> {
  const guest = await world.start(config);
  serveEcho(world.lab, guest.pid, tag);
  expect(await hear(() => from(guest.pid, "127.0.0.1", 80))).toStartWith(tag);
  return guest;
}

describe.each(backends)("with %s", (firewall) => {
  beforeEach(async () => {
    world = await GuestWorld.open(firewall);
  });

  test("user networks do not reach each other, nor the default one, over IPv4 or IPv6", async () => {
    twoNetworks();
    const one = await serving(inNet(1), "one");
    const second = await world.start(inNet(1));
    const other = await serving(inNet(2), "other");
    const plain = await serving({}, "plain");
    expect(await hear(() => from(second.pid, one.address, 80))).toBe(`one ${second.address}`);
    expect(await hear(() => from(second.pid, one.address6, 80))).toBe(`one ${second.address6}`);
    await expectSilence(
      from(one.pid, other.address, 80),
      from(one.pid, other.address6, 80),
      from(other.pid, one.address, 80),
      from(one.pid, plain.address, 80),
      from(plain.pid, one.address, 80),
    );
    expect(await hear(() => fromHost(other.address, 80))).toStartWith("other ");
    expect(await hear(() => fromHost(other.address6, 80))).toStartWith("other ");
  });

  test("an internal network reaches nothing outside, and is not reached", async () => {
    twoNetworks({ internal: true });
    joinIpv6();
    const inner = await serving(inNet(1), "inner");
    const second = await world.start(inNet(1));
    const outer = await serving({ ...inNet(2), ports: [port(8080)] }, "outer");
    serveEcho(world.lab, world.lab.lanPid, "lan");
    expect(await hear(() => from(second.pid, inner.address, 80))).toBe(`inner ${second.address}`);
    // Routes that an internal network's containers do not get; one with CAP_NET_ADMIN could make them.
    runCommand(["nsenter", "-t", String(inner.pid), "-n", "ip", "-batch", "-"], {
      stdin: "route add default via 172.28.1.1\nroute add default via fd00:1::1\n",
    });
    await expectSilence(
      from(inner.pid, outer.address, 80),
      from(inner.pid, outer.address6, 80),
      from(inner.pid, world.lab.lanAddress, 80),
      from(inner.pid, lan6, 80),
      from(outer.pid, inner.address, 80),
      from(world.lab.lanPid, inner.address, 80),
      from(world.lab.lanPid, inner.address6, 80),
    );
    expect(await hear(() => fromHost(inner.address, 80))).toStartWith("inner ");
  });

  test("a network without icc: its containers reach the host and the host's ports, not each other", async () => {
    twoNetworks({ options: { [optionName.icc]: "false" } });
    const one = await serving({ ...inNet(1), ports: [port(8080)] }, "one");
    const two = await world.start(inNet(1));
    serveEcho(world.lab, undefined, "host", "TCP-LISTEN:7000");
    await expectSilence(from(two.pid, one.address, 80), from(two.pid, one.address6, 80));
    expect(await hear(() => from(two.pid, "172.28.1.1", 7000))).toBe(`host ${two.address}`);
    expect(await hear(() => from(two.pid, world.lab.hostAddress, 8080))).toStartWith("one ");
    expect(await hear(() => fromHost(one.address, 80))).toStartWith("one ");
  });

  test("a published port over IPv6, from everywhere", async () => {
    twoNetworks();
    joinIpv6();
    const web = await serving({ ...inNet(1), ports: [port(8080)] }, "web");
    const other = await world.start(inNet(2));
    const kernel = firewall !== "userland";
    expect(await hear(() => from(world.lab.lanPid, host6, 8080))).toBe(`web ${kernel ? lan6 : "fd00:1::1"}`);
    expect(await hear(() => fromHost("::1", 8080))).toBe("web fd00:1::1");
    expect(await hear(() => fromHost(host6, 8080))).toStartWith("web ");
    expect(await hear(() => from(web.pid, host6, 8080))).toStartWith("web ");
    expect(await hear(() => from(other.pid, host6, 8080))).toStartWith("web ");
    releaseNetworking(world.state, world.options, web.record.id);
    world.stopForwarders();
    await expectSilence(from(world.lab.lanPid, host6, 8080), fromHost("::1", 8080));
  });

  test("a network's own binding address is for ports that name none", async () => {
    runCommand(["ip", "addr", "add", "203.0.113.2/24", "dev", "lan0"]);
    twoNetworks({ options: { [optionName.hostBinding]: "203.0.113.2" } });
    await serving({ ...inNet(1), ports: [port(8080)] }, "web");
    expect(await hear(() => world.lab.onLan(...ask("203.0.113.2", 8080)))).toStartWith("web ");
    await expectSilence(world.lab.onLan(...ask(world.lab.hostAddress, 8080)), fromHost("127.0.0.1", 8080));
  });

  test("a container of an internal network publishes nothing", async () => {
    twoNetworks({ internal: true });
    const { reservation } = await world.start({ ...inNet(1), ports: [port(8080)] });
    expect(reservation.ports).toEqual([]);
  });

  test("published ports pass the host's own rules where the configuration says so", async () => {
    await world[Symbol.asyncDispose]();
    world = await GuestWorld.open(firewall, { publishPolicy: "respect-host" });
    runCommand(["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "8080", "-j", "REJECT"]);
    await serving({ ports: [port(8080), port(8081)] }, "web");
    expect(await hear(() => world.lab.onLan(...ask(world.lab.hostAddress, 8081)))).toStartWith("web ");
    await expectSilence(world.lab.onLan(...ask(world.lab.hostAddress, 8080)));
    expect(() => world.start({ ports: [port(9, { protocol: "sctp" })] })).toThrow(
      "only a firewall forwards sctp",
    );
  });

  test("a bridge that somebody deleted comes back with the links of its containers", async () => {
    const web = await serving({ ports: [port(8080)] }, "web");
    runCommand(["ip", "link", "del", "bktest0"]);
    await expectSilence(fromHost(web.address, 80));
    const client = await world.start();
    expect(await hear(() => from(client.pid, web.address, 80))).toBe(`web ${client.address}`);
    expect(await hear(() => world.lab.onLan(...ask(world.lab.hostAddress, 8080)))).toStartWith("web ");
  });

  test("a network that is gone leaves no rule", async () => {
    // Makes the chain, where iptables is nft's.
    runCommand(["iptables", "-P", "FORWARD", "ACCEPT"]);
    const before = rules();
    twoNetworks();
    await world.start(inNet(2));
    redeclareRules(world.state, world.options);
    const standing = rules();
    const gone = world.network({
      name: "gone",
      bridge: "bkgone0",
      subnet: "172.27.0.0/24",
      gateway: "172.27.0.1",
    });
    runCommand(["iptables", "-P", "FORWARD", "DROP"]);
    redeclareRules(world.state, world.options);
    expect(rules().join("\n")).toContain("bkgone0");
    runCommand(["iptables", "-P", "FORWARD", "ACCEPT"]);
    removeNetwork(world.state, gone.id, () => undefined);
    forgetNetwork(world.options, gone, declaredRules(world.state));
    expect(rules()).toEqual(standing);
    expect(before.join("\n")).not.toContain("bktest");
  });
});

test("another backend takes over with the next published port, and nothing is left of the one before", async () => {
  world = await GuestWorld.open("nft");
  const web = await serving({ ports: [port(8080)] }, "web");
  const reached = () => hear(() => world.lab.onLan(...ask(world.lab.hostAddress, 8080)));
  expect(await reached()).toBe(`web ${world.lab.lanAddress}`);
  const signs = { nft: "table inet bktest", iptables: "BKTEST", userland: "prohibit" } as const;
  for (const firewall of ["iptables", "userland", "nft", "userland", "iptables", "nft"] as const) {
    world.use({ firewall });
    await world.start({ ports: [port(0)] });
    expect(await reached()).toBe(firewall === "userland" ? `web 172.30.0.1` : `web ${world.lab.lanAddress}`);
    const listed = rules().join("\n");
    const found = Object.entries(signs).filter(([, sign]) => listed.includes(sign));
    expect(found.map(([name]) => name)).toEqual([firewall]);
  }
  world.use({ publishPolicy: "respect-host" });
  await world.start({ ports: [port(0)] });
  expect(await reached()).toBe("web 172.30.0.1");
  expect(web.address).toBe("172.30.0.2");
});

describe.each(["nft", "iptables"] as const)("the way out with %s", (firewall) => {
  beforeEach(async () => {
    world = await GuestWorld.open(firewall);
  });

  test("is hidden behind the host's address, unless the network says no", async () => {
    twoNetworks({ options: { [optionName.masquerade]: "false" } });
    joinIpv6();
    const [open, hidden] = [await world.start(inNet(1)), await world.start(inNet(2))];
    serveEcho(world.lab, world.lab.lanPid, "lan");
    expect(await hear(() => from(hidden.pid, world.lab.lanAddress, 80))).toBe(`lan ${world.lab.hostAddress}`);
    expect(await hear(() => from(hidden.pid, lan6, 80))).toBe(`lan ${host6}`);
    expect(await hear(() => from(open.pid, world.lab.lanAddress, 80))).toBe(`lan ${open.address}`);
    expect(await hear(() => from(open.pid, lan6, 80))).toBe(`lan ${open.address6}`);
  });

  test("sctp is the kernel's to forward, in both families", async () => {
    twoNetworks();
    const { reservation } = await world.start({ ...inNet(1), ports: [port(9, { protocol: "sctp" })] });
    expect(reservation.ports.map(({ hostIp }) => hostIp)).toEqual(["0.0.0.0", "::"]);
    const listed = rules().join("\n");
    if (firewall === "nft")
      expect(listed).toMatch(/sctp \. 9 : 172\.28\.1\.2 \. 80[\s\S]*sctp \. 9 : fd00:1::2 \. 80/);
    else
      expect(listed).toMatch(
        /-p sctp .*--dport 9 .*172\.28\.1\.2:80[\s\S]*-p sctp .*--dport 9 .*\[fd00:1::2\]:80/,
      );
  });

  test("only its own tables and chains are touched", async () => {
    runCommand(["nft", "-f", "-"], {
      stdin: [
        "add table inet other",
        "add chain inet other forward { type filter hook forward priority 5; policy accept; }",
        "add rule inet other forward tcp dport 1 drop",
      ].join("\n"),
    });
    runCommand(["iptables", "-A", "FORWARD", "-p", "tcp", "--dport", "2", "-j", "DROP"]);
    const others = () => rules().filter((line) => /dport 1 drop|--dport 2 -j DROP|inet other/.test(line));
    const before = others();
    expect(before.length).toBeGreaterThan(1);
    const web = await world.start({ ports: [port(8080)] });
    redeclareRules(world.state, world.options);
    releaseNetworking(world.state, world.options, web.record.id);
    expect(others()).toEqual(before);
  });
});

/** All rules of this "host", as their programs list them; what changes by itself left out. */
function rules(): string[] {
  const commands = [
    ["nft", "--stateless", "list", "ruleset"],
    ["iptables", "-t", "nat", "-S"],
    ["iptables", "-S"],
    ["ip6tables", "-t", "nat", "-S"],
    ["ip6tables", "-S"],
    ["ip", "rule"],
    ["ip", "-6", "rule"],
    ["ip", "route", "show", "table", "all", "type", "prohibit"],
    ["ip", "-6", "route", "show", "table", "all", "type", "prohibit"],
  ];
  return commands.flatMap((argv) =>
    tryCommand(argv)
      .stdout.split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !/^table ip6? (filter|nat) /.test(line)),
  );
}

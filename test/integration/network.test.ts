/** Networks on a real kernel: who reaches whom, with each firewall backend, and what is left afterwards. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { ContainerConfig } from "../../src/config/container-config.ts";
import { runCommand, tryCommand } from "../../src/host/run-command.ts";
import { listenToTrace } from "../../src/host/trace.ts";
import type { FirewallName, NetworkOptions } from "../../src/network/network-options.ts";
import { applyNetworking, reserveNetworking } from "../../src/network/networking.ts";
import { redeclareRules, releaseNetworking } from "../../src/network/release-networking.ts";
import { markStarting } from "../../src/state/container-life.ts";
import { listLeases } from "../../src/state/lease.ts";
import { insertNetwork } from "../../src/state/network.ts";
import { listPorts } from "../../src/state/port.ts";
import type { State } from "../../src/state/state.ts";
import {
  ask,
  fromHost,
  type Guest,
  GuestWorld,
  hear,
  port,
  serveEcho as serve,
} from "../lib/network-guest.ts";
import { type NetworkLab, run, runIn } from "../lib/network-lab.ts";
import { addContainer, aNetwork, liveProcess } from "../unit/state/state-fixture.ts";

let world: GuestWorld;
let lab: NetworkLab;
let state: State;
let options: NetworkOptions;

async function open(firewall: FirewallName): Promise<void> {
  world = await GuestWorld.open(firewall);
  ({ lab, state, options } = world);
}

afterEach(() => world[Symbol.asyncDispose]());

const startGuest = (config: Partial<ContainerConfig> = {}): Promise<Guest> => world.start(config);
const serveEcho = (pid: number, tag: string): void => serve(lab, pid, tag, "TCP-LISTEN:80");

describe.each(["nft", "iptables", "userland"] as const)("with %s", (firewall) => {
  beforeEach(() => open(firewall));

  test("containers reach each other and their gateway", async () => {
    const [web, client] = [await startGuest(), await startGuest()];
    serveEcho(web.pid, "web");
    expect(await hear(() => runIn(client.pid, ...ask(web.address, 80)))).toBe(`web ${client.address}`);
    expect(web.address).toBe("172.30.0.2");
    expect(client.address).toBe("172.30.0.3");
    lab.serve(undefined, "socat", "TCP-LISTEN:7000,fork,reuseaddr", "SYSTEM:echo host $SOCAT_PEERADDR");
    expect(await hear(() => runIn(client.pid, ...ask("172.30.0.1", 7000)))).toBe(`host ${client.address}`);
  });

  test("a published port is reached from everywhere", async () => {
    const web = await startGuest({ ports: [port(8080)] });
    const client = await startGuest();
    serveEcho(web.pid, "web");
    const kernel = firewall !== "userland";
    const lan = await hear(() => lab.onLan(...ask(lab.hostAddress, 8080)));
    expect(lan).toBe(kernel ? `web ${lab.lanAddress}` : "web 172.30.0.1");
    expect(await hear(() => fromHost("127.0.0.1", 8080))).toBe("web 172.30.0.1");
    expect(await hear(() => fromHost(lab.hostAddress, 8080))).toStartWith("web ");
    expect(await hear(() => fromHost("::1", 8080))).toBe("web 172.30.0.1");
    expect(await hear(() => runIn(client.pid, ...ask(lab.hostAddress, 8080)))).toStartWith("web ");
    expect(await hear(() => runIn(web.pid, ...ask(lab.hostAddress, 8080)))).toStartWith("web ");
    expect(await hear(() => runIn(client.pid, ...ask("172.30.0.1", 8080)))).toStartWith("web ");
  });

  test("a port of the loopback address is not the lan's", async () => {
    const web = await startGuest({ ports: [port(8080, { hostIp: "127.0.0.1" })] });
    serveEcho(web.pid, "web");
    expect(await hear(() => fromHost("127.0.0.1", 8080))).toBe("web 172.30.0.1");
    expect(await lab.onLan(...ask(lab.hostAddress, 8080))).toContain("refused");
  });

  test("a port of one address is that one's only", async () => {
    runCommand(["ip", "addr", "add", "203.0.113.2/24", "dev", "lan0"]);
    const web = await startGuest({ ports: [port(8080, { hostIp: "203.0.113.2" })] });
    serveEcho(web.pid, "web");
    expect(await hear(() => lab.onLan(...ask("203.0.113.2", 8080)))).toStartWith("web ");
    expect(await lab.onLan(...ask(lab.hostAddress, 8080))).toContain("refused");
    expect(await fromHost("127.0.0.1", 8080)).toContain("refused");
  });

  test("a released port is closed, and free for the next", async () => {
    const first = await startGuest({ ports: [port(8080)] });
    world.stopForwarders();
    releaseNetworking(state, options, first.record.id);
    releaseNetworking(state, options, first.record.id);
    expect(await lab.onLan(...ask(lab.hostAddress, 8080))).toContain("refused");
    expect([listPorts(state), listLeases(state)]).toEqual([[], []]);
    const second = await startGuest({ ports: [port(8080)] });
    serveEcho(second.pid, "second");
    expect(await hear(() => lab.onLan(...ask(lab.hostAddress, 8080)))).toStartWith("second ");
  });

  test("a taken host port is an error before anything starts", async () => {
    await startGuest({ ports: [port(8080)] });
    await expect(startGuest({ ports: [port(8080)] })).rejects.toThrow(
      "Bind for 0.0.0.0:8080 failed: port is already allocated",
    );
    lab.serve(undefined, "socat", "TCP-LISTEN:9000,fork", "PIPE");
    await hear(() => fromHost("127.0.0.1", 9000));
    await expect(startGuest({ ports: [port(9000)] })).rejects.toThrow(
      /failed to bind host port for 0\.0\.0\.0:9000:172\.30\.0\.\d+:80\/tcp: address already in use/,
    );
  });

  test("udp is published too", async () => {
    const web = await startGuest({ ports: [port(5300, { protocol: "udp", containerPort: 53 })] });
    lab.serve(web.pid, "socat", "UDP-LISTEN:53,fork,reuseaddr", "SYSTEM:read x; echo udp $x");
    const query = (address: string) => ["sh", "-c", `echo q | socat -t0.5 - UDP:${address}:5300`];
    const wait = async (attempt: () => Promise<string>) => {
      for (let count = 0; count < 20; count++) if ((await attempt()) === "udp q") return true;
      return false;
    };
    expect(await wait(() => lab.onLan(...query(lab.hostAddress)))).toBe(true);
    expect(await wait(() => run(...query("127.0.0.1")))).toBe(true);
  });
});

describe.each(["nft", "iptables"] as const)("the rules of %s", (firewall) => {
  beforeEach(() => open(firewall));

  const flush = () =>
    firewall === "nft"
      ? runCommand(["nft", "flush", "ruleset"])
      : runCommand(["iptables-restore"], { stdin: "*nat\nCOMMIT\n*filter\nCOMMIT\n" });

  test("containers reach the lan under the host's address", async () => {
    const { pid } = await startGuest();
    serveEcho(lab.lanPid, "lan");
    expect(await hear(() => runIn(pid, ...ask(lab.lanAddress, 80)))).toBe(`lan ${lab.hostAddress}`);
  });

  test("nobody on the lan reaches a port that is not published", async () => {
    const { pid, address } = await startGuest({ ports: [port(8080, { containerPort: 81 })] });
    serveEcho(pid, "web");
    await lab.onLan("ip", "route", "add", "172.30.0.0/24", "via", lab.hostAddress);
    expect(await hear(() => fromHost(address, 80))).toStartWith("web ");
    expect(await lab.onLan(...ask(address, 80))).toContain("timed out");
  });

  test("a FORWARD policy of DROP does not cut containers off", async () => {
    runCommand(["iptables", "-P", "FORWARD", "DROP"]);
    const { pid } = await startGuest({ ports: [port(8080)] });
    serveEcho(lab.lanPid, "lan");
    serveEcho(pid, "web");
    expect(await hear(() => runIn(pid, ...ask(lab.lanAddress, 80)))).toBe(`lan ${lab.hostAddress}`);
    expect(await hear(() => lab.onLan(...ask(lab.hostAddress, 8080)))).toBe(`web ${lab.lanAddress}`);
  });

  test("user networks do not reach each other, internal ones nothing outside", async () => {
    insertNetwork(
      state,
      aNetwork({
        name: "inner",
        bridge: "bktest1",
        subnet: "172.28.0.0/24",
        gateway: "172.28.0.1",
        internal: true,
      }),
    );
    const outer = await startGuest();
    const inner = await startGuest({ networks: [{ name: "inner", aliases: [] }] });
    const second = await startGuest({ networks: [{ name: "inner", aliases: [] }] });
    serveEcho(outer.pid, "outer");
    serveEcho(inner.pid, "inner");
    expect(await hear(() => runIn(second.pid, ...ask(inner.address, 80)))).toBe(`inner ${second.address}`);
    expect(await runIn(outer.pid, ...ask(inner.address, 80))).toContain("timed out");
    await runIn(inner.pid, "ip", "route", "add", "default", "via", "172.28.0.1");
    expect(await runIn(inner.pid, ...ask(outer.address, 80))).toContain("timed out");
    expect(await runIn(inner.pid, ...ask(lab.lanAddress, 80))).toContain("timed out");
  });

  test("come back after somebody flushed them", async () => {
    const web = await startGuest({ ports: [port(8080)] });
    serveEcho(web.pid, "web");
    expect(await hear(() => lab.onLan(...ask(lab.hostAddress, 8080)))).toBe(`web ${lab.lanAddress}`);
    flush();
    await startGuest({ ports: [port(8081)] });
    expect(await hear(() => lab.onLan(...ask(lab.hostAddress, 8080)))).toBe(`web ${lab.lanAddress}`);
    flush();
    redeclareRules(state, options);
    expect(await hear(() => lab.onLan(...ask(lab.hostAddress, 8080)))).toBe(`web ${lab.lanAddress}`);
    flush();
    releaseNetworking(state, options, web.record.id);
    expect(listPorts(state).every(({ hostPort }) => hostPort === 8081)).toBe(true);
  });

  test("what a crash left is in nobody's way", async () => {
    const dead = await startGuest({ ports: [port(8080)] });
    world.stopForwarders();
    state.run("DELETE FROM containers WHERE id = ?", dead.record.id);
    const web = await startGuest({ ports: [port(8080)] });
    serveEcho(web.pid, "web");
    expect(web.address).toBe(dead.address);
    expect(await hear(() => lab.onLan(...ask(lab.hostAddress, 8080)))).toBe(`web ${lab.lanAddress}`);
  });
});

describe("the bridge", () => {
  beforeEach(() => open("nft"));

  test("that somebody deleted, took down or took the address from is there at the next start", async () => {
    for (const damage of [
      ["link", "del", "bktest0"],
      ["link", "set", "bktest0", "down"],
      ["addr", "flush", "dev", "bktest0"],
    ]) {
      await startGuest();
      runCommand(["ip", ...damage]);
      const { pid } = await startGuest();
      serveEcho(lab.lanPid, "lan");
      expect(await hear(() => runIn(pid, ...ask(lab.lanAddress, 80)))).toBe(`lan ${lab.hostAddress}`);
    }
  });

  test("avoids what the host uses, and says so when the host has moved in", async () => {
    runCommand(["ip", "addr", "add", "172.30.0.200/23", "dev", "lan0"]);
    const { address } = await startGuest();
    expect(address).toBe("172.30.2.2");
    runCommand(["ip", "link", "del", "bktest0"]);
    runCommand(["ip", "route", "add", "172.30.2.64/26", "via", lab.lanAddress]);
    await expect(startGuest()).rejects.toThrow("172.30.2.0/24 overlaps 172.30.2.64/26, which the host uses");
  });

  test("loses the port with the namespace, with no help", async () => {
    const { pid, reservation } = await startGuest();
    const name = reservation.leases[0]?.hostInterface ?? "";
    expect(tryCommand(["ip", "link", "show", name]).exitCode).toBe(0);
    process.kill(pid, "SIGKILL");
    for (let i = 0; i < 1000 && tryCommand(["ip", "link", "show", name]).exitCode === 0; i++)
      await Bun.sleep(20);
    expect(tryCommand(["ip", "link", "show", name]).exitCode).toBe(1);
  });

  test("two containers at once make it once", async () => {
    const addresses = await Promise.all(Array.from({ length: 5 }, async () => (await startGuest()).address));
    expect(new Set(addresses).size).toBe(5);
  });

  test("that stands costs one program a start at most", async () => {
    await startGuest();
    const record = addContainer(state);
    markStarting(state, record.id, liveProcess());
    const pid = await lab.newNamespace();
    const told: string[] = [];
    listenToTrace((line) => told.push(line));
    try {
      applyNetworking(state, options, reserveNetworking(state, options, record), pid);
    } finally {
      listenToTrace(undefined);
    }
    // None where the kernel takes links over netlink.
    expect(told.filter((line) => line.includes("  ran ")).length).toBeLessThanOrEqual(1);
  });
});

describe("refusals", () => {
  beforeEach(() => open("userland"));

  test.each([
    [{ networks: [{ name: "nope", aliases: [] }] }, "network nope not found"],
    [
      { networks: [{ name: "bridge", aliases: [], ip: "172.30.0.9" }] },
      "user specified IP address is supported on user",
    ],
    [{ networks: [{ name: "bridge", aliases: ["x"] }] }, "network-scoped aliases are only supported"],
    [{ ports: [port(80, { protocol: "sctp" })] }, "only a firewall forwards sctp"],
    [{ ports: [port(80, { hostIp: "198.51.100.7" })] }, "cannot assign requested address"],
  ])("%j", async (config, message) => {
    await expect(startGuest(config)).rejects.toThrow(message);
  });

  test("a failed reservation holds nothing", async () => {
    await startGuest({ ports: [port(8080)] });
    const before = [listLeases(state), listPorts(state)];
    await expect(startGuest({ ports: [port(8081), port(8080)] })).rejects.toThrow("already allocated");
    expect([listLeases(state), listPorts(state)]).toEqual(before);
  });

  test("host, none and container networks need nothing", async () => {
    for (const name of ["host", "none", "container:x"]) {
      const { reservation } = await startGuest({ networks: [{ name, aliases: [] }], ports: [port(80)] });
      expect(reservation).toMatchObject({ leases: [], ports: [], interfaces: [] });
    }
    expect(runCommand(["ip", "-br", "link"]).stdout).not.toContain("bktest0");
  });
});

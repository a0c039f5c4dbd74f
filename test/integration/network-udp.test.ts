/**
 * Published UDP ports and what the kernel remembers of them: a client that keeps its own port, as name servers' clients and
 * games do, must reach who is published now, whatever it said to whom before. The same for each firewall backend.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { bindSocket } from "../../ffi/bound-socket.ts";
import { runCommand } from "../../src/host/run-command.ts";
import { insideNamespace, openNetworkNamespace } from "../../src/network/network-namespace.ts";
import { releaseNetworking } from "../../src/network/release-networking.ts";
import { type Guest, GuestWorld, port } from "../lib/network-guest.ts";

let world: GuestWorld;
const open: Bun.udp.Socket<"buffer">[] = [];
afterEach(async () => {
  for (const socket of open.splice(0)) socket.close();
  await world[Symbol.asyncDispose]();
});

const published = { ports: [port(5300, { protocol: "udp" })] };

/** A UDP socket of this process in the network namespace of another; `data` hears what comes. */
async function openSocket(
  pid: number,
  address: string,
  port: number,
  data: NonNullable<Bun.udp.SocketHandler<"buffer">["data"]>,
): Promise<Bun.udp.Socket<"buffer">> {
  using namespace = openNetworkNamespace(pid);
  const fd = insideNamespace(namespace, () => bindSocket("udp", address, port));
  const socket = await Bun.udpSocket({ ...({ fd } as object), socket: { data, error: () => undefined } });
  open.push(socket);
  return socket;
}

/** A server on UDP port 80 that answers everything with its name. */
async function serve({ pid }: Guest, tag: string): Promise<void> {
  for (const address of ["0.0.0.0", "::"])
    await openSocket(pid, address, 80, (socket, _data, port, from) => void socket.send(tag, port, from));
}

interface Client {
  /** Asks a host until there is an answer; "" if there is none. */
  ask(host: string, tries?: number): Promise<string>;
}

/** A client that keeps its port. */
async function client(pid: number, address: string): Promise<Client> {
  let answer = "";
  const socket = await openSocket(pid, address, 40_000, (_socket, data) => {
    answer = data.toString();
  });
  return {
    async ask(host, tries = 100) {
      answer = "";
      for (let count = 0; count < tries && answer === ""; count++) {
        socket.send("question", 5300, host);
        await Bun.sleep(20);
      }
      return answer;
    },
  };
}

/** Ends a container; another one gets its address. */
async function replace(guest: Guest): Promise<void> {
  world.stopForwarders();
  process.kill(guest.pid, "SIGKILL");
  releaseNetworking(world.state, world.options, guest.record.id);
  expect((await world.start()).address).toBe(guest.address);
}

describe.each(["nft", "iptables", "userland"] as const)("with %s", (firewall) => {
  beforeEach(async () => {
    world = await GuestWorld.open(firewall);
  });

  test("a client that keeps its port reaches the next container of a published port", async () => {
    const { hostAddress, lanPid } = world.lab;
    const clients = [await client(lanPid, "0.0.0.0"), await client(process.pid, "0.0.0.0")];
    const one = await world.start(published);
    await serve(one, "one");
    for (const each of clients) expect(await each.ask(hostAddress)).toBe("one");
    await replace(one);
    const two = await world.start(published);
    expect(two.address).not.toBe(one.address);
    await serve(two, "two");
    for (const each of clients) expect(await each.ask(hostAddress)).toBe("two");
  });

  test("a client that asked before the port was published is not held to it", async () => {
    const { hostAddress, lanPid } = world.lab;
    const asker = await client(lanPid, "0.0.0.0");
    expect(await asker.ask(hostAddress, 3)).toBe("");
    await serve(await world.start(published), "one");
    expect(await asker.ask(hostAddress)).toBe("one");
  });

  test("the same over IPv6", async () => {
    world.network({
      name: "six",
      bridge: "bktest6",
      subnet: "172.28.6.0/24",
      gateway: "172.28.6.1",
      ipv6: { subnet: "fd00:6::/64", gateway: "fd00:6::1", auxAddresses: {} },
    });
    runCommand(["ip", "addr", "add", "2001:db8::1/64", "dev", "lan0", "nodad"]);
    await world.lab.onLan("ip", "addr", "add", "2001:db8::9/64", "dev", "eth0", "nodad");
    await world.lab.onLan("ip", "route", "add", "default", "via", "2001:db8::1");
    const asker = await client(world.lab.lanPid, "::");
    expect(await asker.ask("2001:db8::1", 3)).toBe("");
    const one = await world.start({ ...published, networks: [{ name: "six", aliases: [] }] });
    await serve(one, "one");
    expect(await asker.ask("2001:db8::1")).toBe("one");
  });
});

/**
 * The table of who reaches whom in docs/network.md, cell by cell, with each firewall of the kernel's.
 */
import { describe, expect, test } from "bun:test";
import { optionName } from "../../src/network/network-setting.ts";
import type { NetworkRecord } from "../../src/state/record.ts";
import { readPage } from "../docs/pages.ts";
import { parseMarkdownTable } from "../lib/markdown-table.ts";
import { from, fromHost, type Guest, GuestWorld, hear, port, serveEcho } from "../lib/network-guest.ts";

const columns = [
  "its own network",
  "another network",
  "an internal one",
  "the host",
  "a published port",
  "outside",
];
const rows = parseMarkdownTable(readPage("docs/network.md"), ["from", ...columns]);

const kinds = {
  "`bridge`, the default": {},
  "a user network": { networks: [{ name: "net1", aliases: [] }] },
  "a network without icc": { networks: [{ name: "net2", aliases: [] }] },
  "an internal network": { networks: [{ name: "net3", aliases: [] }] },
} as const;

/** One network of each kind with two containers, one more of the kinds that are reached from others, and a server on the host. */
async function openWorld(firewall: "nft" | "iptables") {
  const world = await GuestWorld.open(firewall);
  const network = (number: number, changes: Partial<NetworkRecord>) =>
    world.network({
      name: `net${number}`,
      bridge: `bktest${number}`,
      subnet: `172.28.${number}.0/24`,
      gateway: `172.28.${number}.1`,
      ...changes,
    });
  network(1, {});
  network(2, { options: { [optionName.icc]: "false" } });
  network(3, { internal: true });
  network(4, {});
  network(5, { internal: true });
  const start = async (config: Parameters<GuestWorld["start"]>[0]) => {
    const guest = await world.start(config);
    serveEcho(world.lab, guest.pid, "guest");
    expect(await hear(() => from(guest.pid, "127.0.0.1", 80))).toStartWith("guest");
    return guest;
  };
  const inNet = (number: number) => ({ networks: [{ name: `net${number}`, aliases: [] }] });
  const servers = new Map<string, Guest>();
  const clients = new Map<string, Guest>();
  for (const [kind, config] of Object.entries(kinds)) {
    servers.set(kind, await start(config));
    clients.set(kind, await world.start(config));
  }
  const other = await start(inNet(4));
  const closed = await start(inNet(5));
  await start({ ...inNet(4), ports: [port(8080)] });
  serveEcho(world.lab, world.lab.lanPid, "lan");
  serveEcho(world.lab, undefined, "host", "TCP-LISTEN:7000");
  expect(await hear(() => fromHost(world.lab.lanAddress, 80))).toStartWith("lan ");
  expect(await hear(() => fromHost(world.lab.hostAddress, 7000))).toStartWith("host ");
  expect(await hear(() => fromHost(world.lab.hostAddress, 8080))).toStartWith("guest ");
  return { world, servers, clients, other, closed };
}

type World = Awaited<ReturnType<typeof openWorld>>;

/** Address and port of what a column means to the kind of a row. */
function targetOf({ world, servers, other, closed }: World, kind: string, column: string): [string, number] {
  const { hostAddress, lanAddress } = world.lab;
  switch (column) {
    case "its own network":
      return [servers.get(kind)?.address ?? "", 80];
    case "another network":
      return [other.address, 80];
    case "an internal one":
      return [closed.address, 80];
    case "the host":
      return [hostAddress, 7000];
    case "a published port":
      return [hostAddress, 8080];
    default:
      return [lanAddress, 80];
  }
}

function askAs(
  { world, clients }: World,
  kind: string,
  [address, number]: [string, number],
): Promise<string> {
  if (kind === "the host") return fromHost(address, number);
  const pid = kind === "another machine" ? world.lab.lanPid : (clients.get(kind)?.pid ?? 0);
  return from(pid, address, number);
}

describe.each(["nft", "iptables"] as const)("with %s", (firewall) => {
  test("the table is true", async () => {
    const opened = await openWorld(firewall);
    await using _world = opened.world;
    const cells = rows.flatMap(([kind = "", ...said]) =>
      columns.flatMap((column, at) => (said[at] === "–" ? [] : [{ kind, column, said: said[at] }])),
    );
    expect(cells.length).toBeGreaterThan(25);
    const found = await Promise.all(
      cells.map(async ({ kind, column, said }) => {
        const ask = () => askAs(opened, kind, targetOf(opened, kind, column));
        // All ask at the same time: who is to hear something may have to ask again.
        const answer = await (said === "yes" ? hear(ask) : ask());
        return { kind, column, said: /^(guest|host|lan) /.test(answer) ? "yes" : "no" };
      }),
    );
    expect(found).toEqual(cells as typeof found);
    const inner = opened.clients.get("an internal network")?.pid ?? 0;
    expect(await hear(() => from(inner, "172.28.3.1", 7000))).toStartWith("host ");
  });
});

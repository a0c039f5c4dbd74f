/** What a container's resolver reads, and how it knows that there is something new. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { renameContainer } from "../../../src/state/container.ts";
import { leaseAddress, releaseLeases } from "../../../src/state/lease.ts";
import { listLinked, listNeighbours } from "../../../src/state/neighbour.ts";
import { insertNetwork } from "../../../src/state/network.ts";
import type { LeaseRecord, NetworkRecord } from "../../../src/state/record.ts";
import { openState } from "../../../src/state/state.ts";
import { addContainer, aLease, aNetwork, type StateFixture, stateFixture } from "./state-fixture.ts";

let fixture: StateFixture;
beforeEach(() => {
  fixture = stateFixture();
});
afterEach(() => fixture[Symbol.dispose]());

function add(network: NetworkRecord, id: string, address: string, changes: Partial<LeaseRecord> = {}): void {
  const more = { hostInterface: `v${address}`, ...changes };
  leaseAddress(fixture.state, network.id, () => aLease(network.id, id, address, more));
}

test("neighbours are those in the container's networks, in the order of its interfaces", () => {
  const { state } = fixture;
  const bridge = aNetwork();
  const front = aNetwork({ name: "front", bridge: "b1", subnet: "10.1.0.0/24", gateway: "10.1.0.1" });
  const ipv6 = { subnet: "fd00::/64", gateway: "fd00::1", auxAddresses: {} };
  const back = aNetwork({ name: "back", bridge: "b2", subnet: "10.2.0.0/24", internal: true, ipv6 });
  for (const network of [bridge, front, back]) insertNetwork(state, network);
  const [web, db, other] = ["web", "db", "other"].map((name) => addContainer(state, { name }).id) as [
    string,
    string,
    string,
  ];
  add(front, web, "10.1.0.2", { containerInterface: "eth10", aliases: ["www"] });
  add(back, web, "10.2.0.2", { containerInterface: "eth2", address6: "fd00::2" });
  add(bridge, web, "172.30.0.2", { containerInterface: "eth0" });
  add(bridge, other, "172.30.0.3");
  add(front, db, "10.1.0.3");
  const places = listNeighbours(state, web, "bridge");
  expect(places.map(({ network, name }) => `${network} ${name}`)).toEqual([
    "bridge web",
    "back web",
    "front web",
    "front db",
  ]);
  expect(places[1]).toEqual({
    network: "back",
    networkId: back.id,
    internal: true,
    gateway: "172.30.0.1",
    gateway6: "fd00::1",
    containerId: web,
    name: "web",
    aliases: [],
    address: "10.2.0.2",
    address6: "fd00::2",
  });
  expect(places[2]).toMatchObject({ aliases: ["www"], internal: false });
  expect(listNeighbours(state, other, "bridge")).toHaveLength(1);
  releaseLeases(state, web);
  expect(listNeighbours(state, web, "bridge")).toEqual([]);
});

test("the stamp changes with every change, one's own and another connection's, and with nothing else", () => {
  const { state, database } = fixture;
  using other = openState({ database });
  const { id } = addContainer(state);
  const stamps = [state.changeStamp(), state.changeStamp()];
  expect(stamps[0]).toBe(stamps[1] ?? "");
  renameContainer(state, id, "own");
  stamps.push(state.changeStamp());
  renameContainer(other, id, "others");
  stamps.push(state.changeStamp());
  expect(new Set(stamps).size).toBe(3);
  expect(state.changeStamp()).toBe(stamps.at(-1) ?? "");
});

test("those with links are found among the containers of a network", () => {
  const { state } = fixture;
  const [bridge, back] = [aNetwork(), aNetwork({ name: "back", bridge: "b2", subnet: "10.2.0.0/24" })];
  for (const network of [bridge, back]) insertNetwork(state, network);
  const networks = [{ name: "bridge", aliases: [], links: ["other:db"] }];
  const { id: plain, config } = addContainer(state, { name: "plain" });
  const { id: linked } = addContainer(state, { name: "linked", config: { ...config, networks } });
  add(bridge, plain, "172.30.0.2");
  add(bridge, linked, "172.30.0.3");
  expect(listLinked(state, bridge.name)).toEqual([linked]);
  expect(listLinked(state, back.name)).toEqual([]);
  releaseLeases(state, linked);
  expect(listLinked(state, bridge.name)).toEqual([]);
});

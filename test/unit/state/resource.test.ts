import { describe, expect, mock, test } from "bun:test";
import { removeContainer } from "../../../src/state/container.ts";
import { markStarting } from "../../../src/state/container-life.ts";
import { appendEvent, listEvents } from "../../../src/state/event.ts";
import {
  type LeaseChoice,
  leaseAddress,
  leasesInNetwork,
  leasesOfContainer,
  releaseLease,
  releaseLeases,
} from "../../../src/state/lease.ts";
import {
  findNetwork,
  findNetworkByName,
  insertNetwork,
  listNetworks,
  removeNetwork,
} from "../../../src/state/network.ts";
import { listPorts, portsOfContainer, releasePorts, reservePorts } from "../../../src/state/port.ts";
import type { PortRecord } from "../../../src/state/record.ts";
import type { State } from "../../../src/state/state.ts";
import { ensureVolume, findVolume, listVolumes, removeVolume } from "../../../src/state/volume.ts";
import { addContainer, aLease, aNetwork, deadProcess, liveProcess, stateFixture } from "./state-fixture.ts";

/** The lowest of three addresses. */
function chooseFor(networkId: string, containerId: string): LeaseChoice {
  return (taken) => {
    const address = ["10.0.0.2", "10.0.0.3", "10.0.0.4"].find((candidate) => !taken.has(candidate));
    return address === undefined ? undefined : aLease(networkId, containerId, address);
  };
}

function liveContainer(state: State): string {
  const { id } = addContainer(state);
  markStarting(state, id, liveProcess());
  return id;
}

function deadContainer(state: State): string {
  const { id } = addContainer(state);
  markStarting(state, id, deadProcess());
  return id;
}

describe("networks", () => {
  test("are found by name, id and prefix, and are unique in name, bridge and subnet", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const network = aNetwork({ labels: { a: "b" } });
    insertNetwork(state, network);
    expect(findNetworkByName(state, "bridge")).toEqual(network);
    expect(findNetwork(state, network.id.slice(0, 12))).toEqual(network);
    expect(() => findNetwork(state, "nope")).toThrow("network nope not found");
    expect(() => insertNetwork(state, aNetwork())).toThrow("network with name bridge already exists");
    expect(() => insertNetwork(state, aNetwork({ name: "b", bridge: "b" }))).toThrow(
      "172.30.0.0/24 belongs to another",
    );
    expect(listNetworks(state)).toEqual([network]);
  });

  test("come back as they were written, IPv6, ranges and options too", () => {
    using fixture = stateFixture();
    const network = aNetwork({
      driver: "macvlan",
      ipRange: "172.30.0.128/25",
      auxAddresses: { router: "172.30.0.9" },
      ipv6: { subnet: "fd00::/64", gateway: "fd00::1", ipRange: "fd00::8000/113", auxAddresses: {} },
      internal: true,
      attachable: true,
      options: { parent: "eth0" },
    });
    insertNetwork(fixture.state, network);
    expect(findNetwork(fixture.state, network.id)).toEqual(network);
  });

  test("are not removed while somebody has an address in them", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const network = aNetwork();
    insertNetwork(state, network);
    const id = liveContainer(state);
    leaseAddress(state, network.id, chooseFor(network.id, id));
    const takeDown = mock(() => undefined);
    expect(() => removeNetwork(state, network.id, takeDown)).toThrow(
      `error while removing network: network bridge has active endpoints (name:"name-${id.slice(0, 12)}" id:"${id.slice(0, 12)}")`,
    );
    releaseLeases(state, id);
    expect(takeDown).not.toHaveBeenCalled();
    expect(removeNetwork(state, network.id, takeDown)).toBe(true);
    expect(takeDown).toHaveBeenCalledTimes(1);
    expect(removeNetwork(state, network.id, takeDown)).toBe(false);
    expect(
      listEvents(state).map(({ type, action, attributes }) => [type, action, attributes.container]),
    ).toEqual([
      ["container", "create", undefined],
      ["network", "connect", id],
      ["network", "disconnect", id],
      ["network", "destroy", undefined],
    ]);
  });

  test("stay when what is on the host cannot be taken down, and go although a crash left an address", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const network = aNetwork();
    insertNetwork(state, network);
    const id = deadContainer(state);
    leaseAddress(state, network.id, chooseFor(network.id, id));
    const failing = () => {
      throw new Error("no ip");
    };
    expect(() => removeNetwork(state, network.id, failing)).toThrow("no ip");
    expect(leasesInNetwork(state, network.id).length).toBe(1);
    expect(removeNetwork(state, network.id, () => undefined)).toBe(true);
  });
});

describe("leases", () => {
  function withNetwork() {
    const fixture = stateFixture();
    const network = aNetwork();
    insertNetwork(fixture.state, network);
    return { fixture, state: fixture.state, network };
  }

  test("the lowest free address, and it comes back", () => {
    const { fixture, state, network } = withNetwork();
    using _ = fixture;
    const [first, second] = [liveContainer(state), liveContainer(state)];
    expect(leaseAddress(state, network.id, chooseFor(network.id, first))?.address).toBe("10.0.0.2");
    expect(leaseAddress(state, network.id, chooseFor(network.id, second))?.address).toBe("10.0.0.3");
    expect(leasesOfContainer(state, second)).toMatchObject([
      { address: "10.0.0.3", containerInterface: "eth0" },
    ]);
    expect(releaseLeases(state, first)).toBe(1);
    expect(leaseAddress(state, network.id, chooseFor(network.id, liveContainer(state)))?.address).toBe(
      "10.0.0.2",
    );
  });

  test("comes back as it was written, and one network's can be given back alone", () => {
    const { fixture, state, network } = withNetwork();
    using _ = fixture;
    const other = aNetwork({ name: "other", bridge: "br-other", subnet: "10.1.0.0/24" });
    insertNetwork(state, other);
    const id = liveContainer(state);
    const changes = { address6: "fd00::2", aliases: ["web", "db"], gatewayPriority: -3 };
    const lease = aLease(network.id, id, "10.0.0.2", changes);
    const second = aLease(other.id, id, "10.1.0.2", { containerInterface: "eth1", hostInterface: "v1" });
    leaseAddress(state, network.id, () => lease);
    leaseAddress(state, other.id, () => second);
    expect(leasesOfContainer(state, id)).toEqual([lease, second]);
    expect(releaseLease(state, id, network.id)).toBe(true);
    expect(releaseLease(state, id, network.id)).toBe(false);
    expect(leasesOfContainer(state, id)).toEqual([second]);
  });

  test("an IPv6 address is nobody else's either", () => {
    const { fixture, state, network } = withNetwork();
    using _ = fixture;
    const [first, second] = [liveContainer(state), liveContainer(state)];
    const address6 = "fd00::2";
    leaseAddress(state, network.id, () => aLease(network.id, first, "10.0.0.2", { address6 }));
    const clash = leaseAddress(state, network.id, () => aLease(network.id, second, "10.0.0.3", { address6 }));
    expect(clash).toBeUndefined();
  });

  test("removing the container gives it back too", () => {
    const { fixture, state, network } = withNetwork();
    using _ = fixture;
    const id = liveContainer(state);
    leaseAddress(state, network.id, chooseFor(network.id, id));
    removeContainer(state, id);
    expect(leasesInNetwork(state, network.id)).toEqual([]);
  });

  test("a full network takes from the dead, never from the living", () => {
    const { fixture, state, network } = withNetwork();
    using _ = fixture;
    for (const id of [liveContainer(state), deadContainer(state), liveContainer(state)]) {
      leaseAddress(state, network.id, chooseFor(network.id, id));
    }
    expect(leaseAddress(state, network.id, chooseFor(network.id, liveContainer(state)))?.address).toBe(
      "10.0.0.3",
    );
    expect(leaseAddress(state, network.id, chooseFor(network.id, liveContainer(state)))).toBeUndefined();
    expect(leasesInNetwork(state, network.id).length).toBe(3);
  });

  test("those of another boot are void", () => {
    const { fixture, state, network } = withNetwork();
    using _ = fixture;
    leaseAddress(state, network.id, chooseFor(network.id, liveContainer(state)));
    state.run("UPDATE leases SET boot_id = 'before'");
    expect(leaseAddress(state, network.id, chooseFor(network.id, liveContainer(state)))?.address).toBe(
      "10.0.0.2",
    );
  });

  test("a choice of a taken address is no lease", () => {
    const { fixture, state, network } = withNetwork();
    using _ = fixture;
    leaseAddress(state, network.id, chooseFor(network.id, liveContainer(state)));
    const again = liveContainer(state);
    const stubborn: LeaseChoice = () => chooseFor(network.id, again)(new Set());
    expect(leaseAddress(state, network.id, stubborn)).toBeUndefined();
  });
});

describe("ports", () => {
  function port(containerId: string, changes: Partial<PortRecord> = {}): PortRecord {
    const target = { containerIp: "10.0.0.2", containerPort: 80, protocol: "tcp" as const };
    return { containerId, hostIp: "0.0.0.0", hostPort: 8080, ...target, ...changes };
  }

  test.each([
    ["0.0.0.0", "0.0.0.0", true],
    ["0.0.0.0", "127.0.0.1", true],
    ["127.0.0.1", "0.0.0.0", true],
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["::", "::1", true],
    ["::", "0.0.0.0", false],
    ["::1", "127.0.0.1", false],
  ])("%s, then %s: conflict %p", (held, wanted, conflicts) => {
    using fixture = stateFixture();
    const { state } = fixture;
    const holder = liveContainer(state);
    reservePorts(state, [port(holder, { hostIp: held })]);
    const reserve = () => reservePorts(state, [port(liveContainer(state), { hostIp: wanted })]);
    const shown = wanted.includes(":") ? `[${wanted}]` : wanted;
    if (conflicts) expect(reserve).toThrow(`Bind for ${shown}:8080 failed: port is already allocated`);
    else expect(reserve).not.toThrow();
  });

  test("another protocol or port is no conflict, and the list comes back", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const id = liveContainer(state);
    const ports = [port(id), port(id, { protocol: "udp" }), port(id, { hostPort: 8081, containerPort: 81 })];
    reservePorts(state, ports);
    expect(portsOfContainer(state, id)).toEqual(ports);
    expect(releasePorts(state, id)).toBe(3);
    expect(listPorts(state)).toEqual([]);
  });

  test("all or none", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    reservePorts(state, [port(liveContainer(state))]);
    const id = liveContainer(state);
    expect(() => reservePorts(state, [port(id, { hostPort: 1 }), port(id)])).toThrow("already allocated");
    expect(() => reservePorts(state, [port(id, { hostPort: 2 }), port(id, { hostPort: 2 })])).toThrow(
      "already",
    );
    expect(portsOfContainer(state, id)).toEqual([]);
  });

  test("the dead and other boots give way", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    reservePorts(state, [port(deadContainer(state))]);
    reservePorts(state, [port(liveContainer(state))]);
    state.run("UPDATE ports SET boot_id = 'before'");
    const id = liveContainer(state);
    reservePorts(state, [port(id)]);
    expect(listPorts(state).map(({ containerId }) => containerId)).toEqual([id]);
  });
});

describe("volumes", () => {
  const volume = {
    name: "data",
    driver: "local",
    labels: {},
    anonymous: false,
    options: {},
    mountpoint: "/v/data/_data",
  } as const;

  test("are made once", () => {
    using fixture = stateFixture();
    const made = ensureVolume(fixture.state, volume);
    expect(ensureVolume(fixture.state, { ...volume, mountpoint: "/other" })).toEqual(made);
    expect(listVolumes(fixture.state)).toEqual([made]);
    expect(() => findVolume(fixture.state, "nope")).toThrow("get nope: no such volume");
  });

  test("are not removed while a container claims them", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    ensureVolume(state, volume);
    const container = addContainer(state, { anonymousVolumes: ["data"] });
    expect(() => removeVolume(state, "data")).toThrow(`remove data: volume is in use - [${container.id}]`);
    removeContainer(state, container.id);
    expect(removeVolume(state, "data")).toBe(true);
    expect(removeVolume(state, "data")).toBe(false);
  });

  test("named in a config are claimed", () => {
    using fixture = stateFixture();
    const { state } = fixture;
    const { config } = addContainer(state);
    const mount = { type: "volume", name: "data", target: "/d", readOnly: false, copy: true } as const;
    addContainer(state, { config: { ...config, mounts: [mount, { ...mount, target: "/e" }] } });
    expect(() => removeVolume(state, "data")).toThrow("in use");
  });
});

test("events are kept in order, and not for ever", () => {
  using fixture = stateFixture();
  const { state } = fixture;
  const event = { type: "container", action: "start", id: "x", attributes: { image: "busybox" } } as const;
  appendEvent(state, event);
  expect(listEvents(state)).toMatchObject([{ ...event, number: 1 }]);
  state.transaction(() => {
    for (let i = 1; i < 10_600; i++) appendEvent(state, event);
  });
  const numbers = listEvents(state).map(({ number }) => number);
  expect(numbers.at(-1)).toBe(10_600);
  expect(numbers[0]).toBe(501);
  expect(listEvents(state, 10_598).length).toBe(2);
});

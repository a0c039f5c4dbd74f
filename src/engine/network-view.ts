/**
 * Networks as docker shows them: the bridges of the database, and `host` and `none`, which need no record.
 *
 * Reading only. The default network gets its record here when no container has needed it yet, so that `network ls` shows
 * it from the first; nothing on the host changes by that.
 */
import { ensureDefaultNetwork } from "../network/default-network.ts";
import { defaultNetworkName } from "../network/network-options.ts";
import { optionName } from "../network/network-setting.ts";
import { getContainer } from "../state/container.ts";
import { leasesInNetwork, listLeases } from "../state/lease.ts";
import { findNetwork, listNetworks } from "../state/network.ts";
import type { AddressPool, LeaseRecord, NetworkDriver, NetworkRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";
import type { JsonObject } from "./inspect-host-config.ts";
import { renderTime } from "./render-time.ts";

export interface NetworkView {
  readonly id: string;
  readonly name: string;
  readonly driver: NetworkDriver | "host" | "null";
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly internal: boolean;
  /** Containers are in it; told by loadNetworks. */
  readonly isUsed?: boolean;
  /** Absent for host and none. */
  readonly record?: NetworkRecord;
}

const builtIn = [
  { name: "host", driver: "host" },
  { name: "none", driver: "null" },
] as const;

/** Every network, by name. */
export function loadNetworks(engine: Engine): readonly NetworkView[] {
  ensureDefaultNetwork(engine.state, engine.settings.network);
  const used = new Set(listLeases(engine.state).map(({ networkId }) => networkId));
  const made = listNetworks(engine.state).map((record) => ({
    ...viewOf(record),
    isUsed: used.has(record.id),
  }));
  const views = [...made, ...builtIn.map(builtInView)];
  return views.sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** The network of that name, id or unique prefix of an id. Throws `network x not found`. */
export function findNetworkView(engine: Engine, nameOrId: string): NetworkView {
  ensureDefaultNetwork(engine.state, engine.settings.network);
  const views = builtIn.map(builtInView);
  const prefix = /^[0-9a-f]{3,64}$/.test(nameOrId) ? nameOrId : undefined;
  return (
    views.find(({ name }) => name === nameOrId) ??
    views.find(({ id }) => prefix !== undefined && id.startsWith(prefix)) ??
    viewOf(findNetwork(engine.state, nameOrId))
  );
}

/** docker's Network object. Throws `network x not found`. */
export function inspectNetwork(engine: Engine, nameOrId: string): JsonObject {
  return networkJson(engine, findNetworkView(engine, nameOrId));
}

function viewOf(record: NetworkRecord): NetworkView {
  const { id, name, driver, createdAtMs, labels, internal } = record;
  return { id, name, driver, createdAtMs, labels, internal, record };
}

/** Their ids are made from their names, so that they need no row. */
function builtInView({ name, driver }: (typeof builtIn)[number]): NetworkView {
  const id = new Bun.CryptoHasher("sha256").update(`bocker network ${name}`).digest("hex");
  return { id, name, driver, createdAtMs: 0, labels: {}, internal: false };
}

function networkJson(engine: Engine, view: NetworkView): JsonObject {
  const { record } = view;
  const leases = record === undefined ? [] : leasesInNetwork(engine.state, record.id);
  return {
    Name: view.name,
    Id: view.id,
    Created: renderTime(view.createdAtMs),
    Scope: "local",
    Driver: view.driver,
    EnableIPv4: true,
    EnableIPv6: record?.ipv6 !== undefined,
    IPAM: {
      Driver: "default",
      Options: record === undefined || isDefault(record) ? null : {},
      Config: record === undefined ? null : [record, ...(record.ipv6 ? [record.ipv6] : [])].map(poolJson),
    },
    Internal: view.internal,
    Attachable: record?.attachable ?? false,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: Object.fromEntries(leases.flatMap((lease) => endpointOf(engine, lease, view.record))),
    Options: record === undefined ? {} : { ...defaultOptions(record), ...record.options },
    Labels: view.labels,
  };
}

function poolJson({ subnet, gateway, ipRange, auxAddresses }: AddressPool): JsonObject {
  return {
    Subnet: subnet,
    ...(ipRange === undefined ? {} : { IPRange: ipRange }),
    Gateway: gateway,
    ...(Object.keys(auxAddresses).length > 0 ? { AuxiliaryAddresses: auxAddresses } : {}),
  };
}

function endpointOf(
  engine: Engine,
  lease: LeaseRecord,
  network: NetworkRecord | undefined,
): readonly (readonly [string, JsonObject])[] {
  const container = getContainer(engine.state, lease.containerId);
  if (container?.init === undefined) return [];
  const endpoint = {
    Name: container.name,
    EndpointID: lease.endpointId,
    MacAddress: lease.macAddress,
    IPv4Address: withPrefix(lease.address, network),
    IPv6Address: lease.address6 === undefined ? "" : withPrefix(lease.address6, network?.ipv6),
  };
  return [[container.id, endpoint]];
}

function withPrefix(address: string, pool: AddressPool | undefined): string {
  return `${address}/${pool?.subnet.split("/")[1] ?? "32"}`;
}

function isDefault({ name }: NetworkRecord): boolean {
  return name === defaultNetworkName;
}

/** docker shows what its default network was made with; of the others, what was asked for. */
function defaultOptions(network: NetworkRecord): JsonObject {
  if (!isDefault(network)) return {};
  return {
    "com.docker.network.bridge.default_bridge": "true",
    [optionName.icc]: "true",
    [optionName.masquerade]: "true",
    [optionName.hostBinding]: "0.0.0.0",
    [optionName.bridge]: network.bridge,
    [optionName.mtu]: String(network.mtu),
  };
}

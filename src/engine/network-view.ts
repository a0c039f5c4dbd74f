/**
 * Networks as docker shows them: the bridges of the database, and `host` and `none`, which need no record.
 *
 * Reading only. The default network gets its record here when no container has needed it yet, so that `network ls` shows
 * it from the first; nothing on the host changes by that.
 */
import { ensureDefaultNetwork } from "../network/default-network.ts";
import { getContainer } from "../state/container.ts";
import { leasesInNetwork } from "../state/lease.ts";
import { findNetwork, listNetworks } from "../state/network.ts";
import type { LeaseRecord, NetworkDriver, NetworkRecord } from "../state/record.ts";
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
  const views = [...listNetworks(engine.state).map(viewOf), ...builtIn.map(builtInView)];
  return views.sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** docker's Network object. Throws `network x not found`. */
export function inspectNetwork(engine: Engine, nameOrId: string): JsonObject {
  ensureDefaultNetwork(engine.state, engine.settings.network);
  const views = builtIn.map(builtInView);
  const prefix = /^[0-9a-f]{3,64}$/.test(nameOrId) ? nameOrId : undefined;
  const view =
    views.find(({ name }) => name === nameOrId) ??
    views.find(({ id }) => prefix !== undefined && id.startsWith(prefix)) ??
    viewOf(findNetwork(engine.state, nameOrId));
  return networkJson(engine, view);
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
    EnableIPv6: false,
    IPAM: {
      Driver: "default",
      Options: null,
      Config: record === undefined ? null : [{ Subnet: record.subnet, Gateway: record.gateway }],
    },
    Internal: view.internal,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: Object.fromEntries(leases.flatMap((lease) => endpointOf(engine, lease, view.record))),
    Options: record === undefined ? {} : bridgeOptions(record),
    Labels: view.labels,
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
    EndpointID: lease.containerId,
    MacAddress: lease.macAddress,
    IPv4Address: `${lease.address}/${network?.subnet.split("/")[1] ?? "32"}`,
    IPv6Address: "",
  };
  return [[container.id, endpoint]];
}

function bridgeOptions({ name, bridge, mtu }: NetworkRecord): JsonObject {
  const isDefault = name === "bridge" ? { "com.docker.network.bridge.default_bridge": "true" } : {};
  return {
    ...isDefault,
    "com.docker.network.bridge.enable_ip_masquerade": "true",
    "com.docker.network.bridge.name": bridge,
    "com.docker.network.driver.mtu": String(mtu),
  };
}

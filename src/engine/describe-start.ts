/**
 * What --debug tells of a container that has just started: its process, cgroup, namespaces and networks.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { unknownSyscalls } from "../security/seccomp-compile.ts";
import { getContainer } from "../state/container.ts";
import { leasesOfContainer } from "../state/lease.ts";
import { listNetworks } from "../state/network.ts";
import { portsOfContainer } from "../state/port.ts";
import { cgroupPathOf } from "./container-cgroup.ts";
import { boundingCapabilities, seccompPolicyOf } from "./container-seccomp.ts";
import type { Engine } from "./engine.ts";

/** Lines; one that says so where it has ended already. */
export function describeStart(engine: Engine, id: string): readonly string[] {
  const record = getContainer(engine.state, id);
  const pid = record?.init?.pid;
  if (record === undefined || pid === undefined) return ["the container has ended already"];
  const leases = leasesOfContainer(engine.state, id);
  const networks = listNetworks(engine.state).filter((network) =>
    leases.some((lease) => lease.networkId === network.id),
  );
  return [
    `started process ${pid}: ${JSON.stringify(record.args)}`,
    `its monitor is process ${record.monitor?.pid ?? "?"}`,
    `its cgroup is ${cgroupPathOf(engine, record)}`,
    `its namespaces: ${namespacesOf(pid)}`,
    ...networks.map((network) => `network: ${JSON.stringify(network)}`),
    ...leases.map((lease) => `lease: ${JSON.stringify(lease)}`),
    ...portsOfContainer(engine.state, id).map((port) => `port: ${JSON.stringify(port)}`),
  ];
}

/** What was left out of the container's seccomp filter; nothing where nothing was. */
export async function describeFilter(engine: Engine, id: string): Promise<readonly string[]> {
  const record = getContainer(engine.state, id);
  const isProfile = record?.config.securityOpt.some((option) => option.startsWith("seccomp=/")) === true;
  const policy = isProfile ? await seccompPolicyOf(record.config, boundingCapabilities()) : undefined;
  const unknown = policy === undefined ? [] : unknownSyscalls(policy);
  return unknown.length === 0
    ? []
    : [`its seccomp profile names calls that no table knows, left out: ${unknown.join(", ")}`];
}

/** `net:[4026532281] …`, without those that are the host's; says so where the process has ended meanwhile. */
export function namespacesOf(pid: number): string {
  const names = listOf(`/proc/${pid}/ns`);
  if (names.length === 0) return "it has ended already";
  const links = names.flatMap((name) => {
    const [own, host] = [linkOf(`/proc/${pid}/ns/${name}`), linkOf(`/proc/self/ns/${name}`)];
    return own === undefined || own === host || name.endsWith("_for_children") ? [] : [own];
  });
  return links.join(" ");
}

function listOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

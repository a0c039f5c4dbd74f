/**
 * /etc/hosts, /etc/hostname and /etc/resolv.conf of a container: written into its folder before each start and bound
 * over the image's. A container that joins another's network shares that one's files, as in docker.
 */
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerConfig } from "../config/container-config.ts";
import {
  type HostsInput,
  type LinkedHost,
  renderHostname,
  renderHosts,
  updateHosts,
} from "../network/hosts-file.ts";
import { hostNames, resolverAddress } from "../network/name-order.ts";
import type { NetworkReservation } from "../network/networking.ts";
import { hostResolvConfPath, renderResolvConf } from "../network/resolv-conf.ts";
import { hasNames } from "./container-names.ts";

export interface ContainerFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

/** What the files say of a container's networks. */
export type NetworkPlaces = Pick<NetworkReservation, "mode" | "leases" | "networks">;

/** Their paths in a container's folder. */
export function containerFilesIn(folder: string): ContainerFiles {
  return {
    hosts: join(folder, "hosts"),
    hostname: join(folder, "hostname"),
    resolvConf: join(folder, "resolv.conf"),
  };
}

/** Writes the three files, world-readable: every user of the container resolves names. */
export function writeContainerFiles(
  folder: string,
  config: ContainerConfig,
  hostname: string,
  places: NetworkPlaces,
  links: readonly LinkedHost[] = [],
): ContainerFiles {
  const files = containerFilesIn(folder);
  writeReadable(files.hostname, renderHostname(hostname));
  writeReadable(files.hosts, renderHosts({ ...hostsInput(config, hostname, places), links }));
  writeReadable(files.resolvConf, resolvConf(config, places));
  return files;
}

/** Whatever our umask says. */
function writeReadable(path: string, text: string): void {
  writeFileSync(path, text, worldReadable);
  chmodSync(path, worldReadable.mode);
}

/**
 * Brings the files of a running container up to its networks of now, in place, for they are bound into it. What it has
 * written there itself stays: lines of hosts that are not about its addresses, and the whole of a changed resolv.conf.
 */
export function updateContainerFiles(
  folder: string,
  config: ContainerConfig,
  hostname: string,
  places: NetworkPlaces,
  links: readonly LinkedHost[] = [],
): void {
  updateHostsFile(folder, config, hostname, places, links);
  const { resolvConf: path } = containerFilesIn(folder);
  const ours = [true, false].flatMap((resolver) =>
    [true, false].map((hasIpv6) => renderFor(config, places, resolver, hasIpv6)),
  );
  const current = readOwn(path);
  const wanted = resolvConf(config, places);
  if (current !== undefined && current !== wanted && ours.includes(current))
    writeFileSync(path, wanted, worldReadable);
}

/** As updateContainerFiles, of /etc/hosts alone. */
export function updateHostsFile(
  folder: string,
  config: ContainerConfig,
  hostname: string,
  places: NetworkPlaces,
  links: readonly LinkedHost[],
): void {
  const { hosts } = containerFilesIn(folder);
  const input = { ...hostsInput(config, hostname, places), links };
  const now = readOwn(hosts);
  const text = now === undefined ? renderHosts(input) : updateHosts(now, input);
  if (text !== now) writeFileSync(hosts, text, worldReadable);
}

const worldReadable = { mode: 0o644 };
/** The container can make its files as large as its disk; beyond this they are none of ours any more. */
const maxOwnBytes = 1 << 20;

function hostsInput(config: ContainerConfig, hostname: string, places: NetworkPlaces): HostsInput {
  const { mode, leases, networks } = places;
  const front = networks.find(({ internal }) => !internal) ?? networks[0];
  const needsHostNames = mode === "bridge" && networks.length > 0 && !hasNames(networks);
  return {
    hostname,
    ...(config.domainname === undefined ? {} : { domainname: config.domainname }),
    addresses: leases.flatMap(({ address, address6 }) =>
      address6 === undefined ? [address] : [address, address6],
    ),
    addHosts: config.addHosts,
    hostGateway: front?.gateway ?? "127.0.0.1",
    ...(needsHostNames ? { hostNames } : {}),
    ...(config.sysctls["net.ipv6.conf.all.disable_ipv6"] === "1" ? { withoutIpv6: true } : {}),
    ...(mode === "host" ? { hostText: readText("/etc/hosts") } : {}),
  };
}

function resolvConf(config: ContainerConfig, places: NetworkPlaces): string {
  const hasIpv6 = places.leases.some(({ address6 }) => address6 !== undefined);
  return renderFor(config, places, hasNames(places.networks), hasIpv6);
}

function renderFor(
  config: ContainerConfig,
  { mode }: NetworkPlaces,
  hasResolver: boolean,
  hasIpv6: boolean,
): string {
  const own = readText("/etc/resolv.conf");
  const path = hostResolvConfPath(own);
  return renderResolvConf({
    hostText: path === "/etc/resolv.conf" ? own : readText(path),
    dns: config.dns,
    dnsSearch: config.dnsSearch,
    dnsOptions: config.dnsOptions,
    sharesHostNetwork: mode === "host",
    ...(hasResolver ? { resolver: resolverAddress } : {}),
    hasIpv6,
  });
}

/** Undefined: missing, or grown beyond reason. */
function readOwn(path: string): string | undefined {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  return size === undefined || size > maxOwnBytes ? undefined : readText(path);
}

/** A host without the file has nothing to say. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

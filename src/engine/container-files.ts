/**
 * /etc/hosts, /etc/hostname and /etc/resolv.conf of a container: written into its folder before each start and bound
 * over the image's. A container that joins another's network shares that one's files, as in docker.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerConfig } from "../config/container-config.ts";
import { renderHostname, renderHosts } from "../network/hosts-file.ts";
import type { NetworkReservation } from "../network/networking.ts";
import { hostResolvConfPath, renderResolvConf } from "../network/resolv-conf.ts";

export interface ContainerFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

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
  reservation: NetworkReservation,
): ContainerFiles {
  const files = containerFilesIn(folder);
  const sharesHost = reservation.mode === "host";
  const options = { mode: 0o644 };
  writeFileSync(files.hostname, renderHostname(hostname), options);
  writeFileSync(
    files.hosts,
    renderHosts({
      hostname,
      ...(config.domainname === undefined ? {} : { domainname: config.domainname }),
      addresses: reservation.leases.map((lease) => lease.address),
      addHosts: config.addHosts,
      hostGateway: reservation.networks[0]?.gateway ?? "127.0.0.1",
      ...(sharesHost ? { hostText: readText("/etc/hosts") } : {}),
    }),
    options,
  );
  writeFileSync(files.resolvConf, resolvConf(config, sharesHost), options);
  return files;
}

function resolvConf(config: ContainerConfig, sharesHostNetwork: boolean): string {
  const own = readText("/etc/resolv.conf");
  const path = hostResolvConfPath(own);
  return renderResolvConf({
    hostText: path === "/etc/resolv.conf" ? own : readText(path),
    dns: config.dns,
    dnsSearch: config.dnsSearch,
    dnsOptions: config.dnsOptions,
    sharesHostNetwork,
  });
}

/** A host without the file has nothing to say. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

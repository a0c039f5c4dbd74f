/**
 * Whom a container's resolver asks for names that are not its networks': the servers the user gave, else the host's.
 *
 * They are asked from the host, so a resolver on the host's loopback works; and the host's file is looked at again
 * when it changes, so that a laptop in another network needs no restart of its containers.
 */
import { statSync } from "node:fs";
import { monotonicMs } from "../host/clock.ts";
import type { NameServerAddress } from "./ask-server.ts";
import { readText } from "./host-network.ts";
import { dnsPort } from "./name-order.ts";
import { hostNameservers } from "./resolv-conf.ts";

/**
 * Gives the servers to ask at this moment. `dns`: the container's `--dns`; `path`: the host's resolv.conf, looked at at most
 * every `lookAgainMs`.
 */
export function upstreamServers(
  dns: readonly string[],
  path = "/etc/resolv.conf",
  lookAgainMs = 1000,
): () => readonly NameServerAddress[] {
  const withPort = (addresses: readonly string[]) => addresses.map((address) => ({ address, port: dnsPort }));
  if (dns.length > 0) {
    const servers = withPort(dns);
    return () => servers;
  }
  let servers: readonly NameServerAddress[] = [];
  let changedMs: number | undefined;
  let nextLookMs = 0;
  return () => {
    const now = monotonicMs();
    if (now < nextLookMs) return servers;
    nextLookMs = now + lookAgainMs;
    const modifiedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (modifiedMs !== changedMs) servers = withPort(hostNameservers(readText(path)));
    changedMs = modifiedMs;
    return servers;
  };
}

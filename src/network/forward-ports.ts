/**
 * The sockets that a container's monitor holds for its published ports.
 *
 * Each port is bound for real, whoever forwards it: a host port that somebody else has is an error before anything
 * starts, and nobody can take it afterwards. Where the kernel forwards, the sockets serve what its rules leave out
 * (the host's loopback addresses, IPv6); without a firewall they serve everything.
 */
import { BockerError } from "../errors.ts";
import type { PortRecord } from "../state/record.ts";
import { chooseFirewall } from "./firewall.ts";
import type { FirewallName, NetworkOptions } from "./network-options.ts";
import { portFailure } from "./plan-ports.ts";
import { forwardTcp } from "./tcp-forwarder.ts";

/**
 * Binds and serves the ports until disposed, all or none. Throws docker's error when one is taken. To be called by the
 * process that lives as long as the container, before its start; a connection made before the container listens is refused.
 */
export async function openPortForwarders(
  options: NetworkOptions,
  container: { readonly id: string; readonly name: string },
  ports: readonly PortRecord[],
): Promise<Disposable> {
  const firewall = ports.length > 0 ? chooseFirewall(options).firewall.name : "userland";
  const forwarders = new DisposableStack();
  try {
    for (const port of ports) {
      const forwarder = await openForwarder(port, firewall);
      if (forwarder !== undefined) forwarders.use(forwarder);
    }
    return forwarders;
  } catch (error) {
    forwarders.dispose();
    throw portFailure(container, error);
  }
}

async function openForwarder(port: PortRecord, firewall: FirewallName): Promise<Disposable | undefined> {
  if (port.protocol === "sctp") return openSctp(port, firewall);
  const listen = { address: port.hostIp, port: port.hostPort };
  const target = { address: port.containerIp, port: port.containerPort };
  try {
    if (port.protocol === "tcp") return forwardTcp(listen, () => target);
    const { forwardUdp } = await import("./udp-forwarder.ts");
    return await forwardUdp(listen, target);
  } catch (error) {
    throw bindFailure(port, error);
  }
}

function openSctp(port: PortRecord, firewall: FirewallName): undefined {
  if (firewall !== "userland") return undefined;
  throw new BockerError(`cannot publish ${port.hostPort}/sctp: only a firewall can forward sctp`, {
    kind: "unsupported",
    hint: "install the package nftables",
  });
}

function bindFailure(port: PortRecord, error: unknown): BockerError {
  const host = port.hostIp.includes(":") ? `[${port.hostIp}]` : port.hostIp;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const binding = `${host}:${port.hostPort}:${port.containerIp}:${port.containerPort}/${port.protocol}`;
  return new BockerError(`failed to bind host port for ${binding}: ${bindReasons[code] ?? code}`, {
    kind: "conflict",
    cause: error,
  });
}

/** The C library's words, as docker shows them. */
const bindReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  EACCES: "permission denied",
};

/**
 * The sockets that a container's monitor holds for its published ports.
 *
 * Each port is bound for real, whoever forwards it: a host port that somebody else has is an error before anything
 * starts, and nobody can take it afterwards. Where the kernel forwards, the sockets serve what its rules leave out
 * (the host's loopback addresses, IPv6 to a container without it); without a firewall they serve everything.
 */
import { bindSocket } from "../../ffi/bound-socket.ts";
import { closeQuietly } from "../../ffi/file.ts";
import { SyscallError } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";
import type { PortRecord } from "../state/record.ts";
import type { Forwarder, ForwardTarget } from "./forwarder.ts";
import { portFailure } from "./plan-ports.ts";

/** A published port and the socket that is bound to it. */
export interface PortSocket {
  readonly port: PortRecord;
  readonly fd: number;
}

interface ServedPort {
  /** Replaced when the container's address changes; the TCP connections that are open stay as they are. */
  port: PortRecord;
  readonly forwarder: Forwarder;
}

export class PortForwarders implements Disposable {
  #served: readonly ServedPort[] = [];

  /**
   * Binds and serves the ports until disposed, all or none. Throws docker's error when one is taken. To be called by the
   * process that lives as long as the container, before its start; until the container listens, connections are broken.
   */
  static async open(
    container: { readonly id: string; readonly name: string },
    ports: readonly PortRecord[],
  ): Promise<PortForwarders> {
    const forwarders = new PortForwarders();
    await forwarders.replace(container, ports);
    return forwarders;
  }

  /** Goes on with sockets of `sockets`, which are its own from then on. */
  static async adopt(sockets: readonly PortSocket[]): Promise<PortForwarders> {
    const forwarders = new PortForwarders();
    forwarders.#served = await serveAll(sockets);
    return forwarders;
  }

  /**
   * Serves exactly these from now on: new ones are bound, all or none. TCP connections of those that stay are not touched;
   * UDP has none.
   */
  async replace(
    container: { readonly id: string; readonly name: string },
    ports: readonly PortRecord[],
  ): Promise<void> {
    const wanted = new Map(ports.filter(isForwardable).map((port) => [keyOf(port), port]));
    const known = new Set(this.#served.map(({ port }) => keyOf(port)));
    const added = [...wanted].filter(([key]) => !known.has(key)).map(([, port]) => port);
    const sockets = bindAll(container, added);
    const staying: ServedPort[] = [];
    for (const served of this.#served) {
      const port = wanted.get(keyOf(served.port));
      if (port === undefined) {
        served.forwarder[Symbol.dispose]();
        continue;
      }
      const hasMoved = !leadsTo(served.port, port);
      staying.push(Object.assign(served, { port }));
      if (hasMoved) served.forwarder.forgetClients?.();
    }
    this.#served = [...staying, ...(await serveAll(sockets))];
  }

  /** The sockets, to go on with in another process image; undefined while a client is served. */
  get resting(): readonly PortSocket[] | undefined {
    if (this.#served.some(({ forwarder }) => !forwarder.isIdle)) return undefined;
    return this.#served.map(({ port, forwarder }) => ({ port, fd: forwarder.fd }));
  }

  [Symbol.dispose](): void {
    for (const { forwarder } of this.#served) forwarder[Symbol.dispose]();
    this.#served = [];
  }
}

function leadsTo(left: PortRecord, right: PortRecord): boolean {
  return left.containerIp === right.containerIp && left.containerPort === right.containerPort;
}

/** SCTP is the kernel's alone. */
function isForwardable({ protocol }: PortRecord): boolean {
  return protocol !== "sctp";
}

/** What is bound. */
function keyOf({ protocol, hostIp, hostPort }: PortRecord): string {
  return `${protocol} ${hostIp} ${hostPort}`;
}

function bindAll(
  container: { readonly id: string; readonly name: string },
  ports: readonly PortRecord[],
): PortSocket[] {
  const sockets: PortSocket[] = [];
  try {
    for (const port of ports) sockets.push({ port, fd: bindPort(port) });
    return sockets;
  } catch (error) {
    closeQuietly(...sockets.map(({ fd }) => fd));
    throw portFailure(container, error);
  }
}

/** A host port as a bound socket; throws docker's words when it cannot be had. */
function bindPort(port: PortRecord): number {
  try {
    return bindSocket(port.protocol === "udp" ? "udp" : "tcp", port.hostIp, port.hostPort);
  } catch (error) {
    throw bindFailure(port, error);
  }
}

async function serveAll(sockets: readonly PortSocket[]): Promise<ServedPort[]> {
  const served: ServedPort[] = [];
  for (const socket of sockets) served.push(await serve(socket));
  return served;
}

async function serve({ port, fd }: PortSocket): Promise<ServedPort> {
  const chooseTarget = () => ({ address: served.port.containerIp, port: served.port.containerPort });
  const served: ServedPort = { port, forwarder: await forward(port, fd, chooseTarget) };
  return served;
}

/** The protocol's forwarder, loaded where it is needed. */
export async function forward(
  { protocol }: Pick<PortRecord, "protocol">,
  fd: number,
  chooseTarget: () => ForwardTarget,
): Promise<Forwarder> {
  if (protocol === "udp") {
    const { forwardUdp } = await import("./udp-forwarder.ts");
    return forwardUdp(fd, chooseTarget);
  }
  const { forwardTcp } = await import("./tcp-forwarder.ts");
  return forwardTcp(fd, chooseTarget);
}

function bindFailure(port: PortRecord, error: unknown): BockerError {
  const host = port.hostIp.includes(":") ? `[${port.hostIp}]` : port.hostIp;
  const target = port.containerIp.includes(":") ? `[${port.containerIp}]` : port.containerIp;
  const code = error instanceof SyscallError ? error.code : "";
  const binding = `${host}:${port.hostPort}:${target}:${port.containerPort}/${port.protocol}`;
  return new BockerError(`failed to bind host port for ${binding}: ${bindReasons[code] ?? code}`, {
    kind: "conflict",
    cause: error,
    ...(code === "EADDRINUSE"
      ? { details: { takenPort: { protocol: port.protocol, hostPort: port.hostPort } } }
      : {}),
  });
}

/** The C library's words, as docker shows them. */
const bindReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  EACCES: "permission denied",
};

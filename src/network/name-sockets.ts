/**
 * The sockets of a container's resolver: opened in its network namespace, served from ours.
 *
 *   127.0.0.11:53 ── steered (ffi/socket-lookup.ts) ──▶ a datagram and a listening socket on ports the kernel picked
 *   answers to datagrams ── a raw socket ──▶ the client, as from 127.0.0.11:53
 *
 * So port 53 stays free for a name server that the container itself may be. Where the kernel cannot steer, both are bound
 * to port 53 itself. Bare descriptors, close-on-exec, that a resting monitor passes on to itself: what has arrived
 * meanwhile waits in them.
 */

import { closeQuietly } from "../../ffi/file.ts";
import { bindFreely, inetSocket, listen } from "../../ffi/inet-socket.ts";
import { steerLookups } from "../../ffi/socket-lookup.ts";
import { BockerError } from "../errors.ts";
import { dnsPort, type NameSockets, nameSocketFds, resolverAddress } from "./name-order.ts";
import { insideNamespace, type NetworkNamespace, openNetworkNamespace } from "./network-namespace.ts";

/**
 * Opens them in the namespace of a process, in which nothing need be up yet. They are the caller's. `steer` throws where
 * the kernel cannot.
 */
export function openNameSockets(pid: number, steer: typeof steerLookups = steerLookups): NameSockets {
  using namespace = openNetworkNamespace(pid);
  const unsteered = openIn(namespace, 0);
  try {
    const target = { address: resolverAddress, port: dnsPort };
    const { datagram: datagramFd, stream: streamFd } = unsteered;
    return { ...unsteered, steering: steer(namespace.fd, { ...target, datagramFd, streamFd }) };
  } catch {
    closeNameSockets(unsteered);
  }
  try {
    return openIn(namespace, dnsPort);
  } catch (error) {
    throw new BockerError(`cannot serve names on ${resolverAddress}:${dnsPort} in the container`, {
      kind: "host",
      cause: error,
    });
  }
}

function closeNameSockets(sockets: NameSockets): void {
  closeQuietly(...nameSocketFds(sockets));
}

const backlog = 64;

function openIn(namespace: NetworkNamespace, port: number): NameSockets {
  const opened: number[] = [];
  const open = (kind: "datagram" | "stream" | "raw") => {
    const fd = inetSocket(kind);
    opened.push(fd);
    return fd;
  };
  try {
    return insideNamespace(namespace, () => {
      const sockets = { datagram: open("datagram"), stream: open("stream"), raw: open("raw") };
      bindFreely(sockets.datagram, resolverAddress, port);
      bindFreely(sockets.stream, resolverAddress, port);
      listen(sockets.stream, backlog);
      return sockets;
    });
  } catch (error) {
    closeQuietly(...opened);
    throw error;
  }
}

/**
 * TCP and UDP sockets bound to an address of the host, as bare descriptors, so that they can be handed on: over an
 * execve, or to Bun's loop (`Bun.listen({ fd })`, `Bun.udpSocket({ fd })`), which takes them into its ownership.
 */
import { closeQuietly } from "./file.ts";
import { addressFamilies, SOL_SOCKET, socketTypes } from "./flags.ts";
import { parseInet, parseInet6 } from "./inet-address.ts";
import { syscall } from "./libc.ts";

const { AF_INET, AF_INET6 } = addressFamilies;
const { SOCK_STREAM, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_CLOEXEC } = socketTypes;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
/** Cut by the kernel to net.core.somaxconn. */
const backlog = 4096;

/** struct sockaddr_in (16 bytes, ip(7)) or sockaddr_in6 (28 bytes, ipv6(7)): port @2, address @4 or @8. */
function socketAddress(address: string, port: number): Uint8Array {
  const isIpv6 = address.includes(":");
  const bytes = new Uint8Array(isIpv6 ? 28 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isIpv6 ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  bytes.set(isIpv6 ? parseInet6(address) : parseInet(address), isIpv6 ? 8 : 4);
  return bytes;
}

/**
 * A socket that nobody else can bind beside: close-on-exec, non-blocking, IPv6 for itself, TCP already listening. The
 * caller's. SyscallError EADDRINUSE, EADDRNOTAVAIL, EACCES.
 */
export function bindSocket(protocol: "tcp" | "udp", address: string, port: number): number {
  const family = address.includes(":") ? AF_INET6 : AF_INET;
  const type = protocol === "tcp" ? SOCK_STREAM : SOCK_DGRAM;
  const fd = syscall("socket", [family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0]);
  try {
    if (family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    // Connections of the last run that only wait for their end must not be in the way; for UDP it would mean sharing.
    if (protocol === "tcp") setOption(fd, SOL_SOCKET, SO_REUSEADDR);
    const bytes = socketAddress(address, port);
    syscall("bind", [fd, bytes, bytes.byteLength], () => `${fd}, ${address} port ${port}`);
    if (protocol === "tcp") syscall("listen", [fd, backlog]);
    return fd;
  } catch (error) {
    closeQuietly(fd);
    throw error;
  }
}

function setOption(fd: number, level: number, option: number): void {
  const one = new Uint8Array(Int32Array.of(1).buffer);
  syscall("setsockopt", [fd, level, option, one, one.byteLength], () => `${fd}, ${level}, ${option}, 1`);
}

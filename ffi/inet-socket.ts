/**
 * IPv4 sockets as bare descriptors: for those that are to be made in another network namespace, or to live on over an
 * execve, which Bun's own sockets cannot. Nothing here blocks.
 *
 * Bun's loop does not know them: a descriptor of signalWhenReady says by SIGIO that there is something to take.
 */
import { addressFamilies, fcntlCommands, socketTypes } from "./flags.ts";
import { parseInet } from "./inet-address.ts";
import { syscall, trySyscall } from "./libc.ts";

const { AF_INET } = addressFamilies;
const { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_CLOEXEC, SOCK_NONBLOCK } = socketTypes;
const { F_GETFL, F_SETFL, F_SETOWN } = fcntlCommands;
const IPPROTO_RAW = 255;
const IPPROTO_IP = 0;
const IP_FREEBIND = 15;
const O_ASYNC = 0o20000;

/** struct sockaddr_in: u16 sin_family @0, be16 sin_port @2, be32 sin_addr @4; 16 bytes. */
export const sockaddrInBytes = 16;

/** `raw` sends whole IPv4 packets and receives nothing (IPPROTO_RAW, raw(7)); it needs CAP_NET_RAW. */
export type InetSocketKind = "datagram" | "stream" | "raw";

const typeOf = { stream: SOCK_STREAM, datagram: SOCK_DGRAM, raw: SOCK_RAW } as const;

/** socket(2), close-on-exec and non-blocking, in the network namespace this thread is in now. The caller's. */
export function inetSocket(kind: InetSocketKind): number {
  const type = typeOf[kind] | SOCK_CLOEXEC | SOCK_NONBLOCK;
  return syscall("socket", [AF_INET, type, kind === "raw" ? IPPROTO_RAW : 0], () => `AF_INET, ${kind}`);
}

/** bind(2) to an address that need not be there yet (IP_FREEBIND, ip(7)). Port 0: any. */
export function bindFreely(fd: number, address: string, port: number): void {
  syscall("setsockopt", [fd, IPPROTO_IP, IP_FREEBIND, new Uint8Array(Int32Array.of(1).buffer), 4]);
  syscall("bind", [fd, sockaddrIn(address, port), sockaddrInBytes], () => `${fd}, ${address}:${port}`);
}

/** listen(2). */
export function listen(fd: number, backlog: number): void {
  syscall("listen", [fd, backlog]);
}

/** accept4(2), close-on-exec and non-blocking; undefined when nobody waits, or the one who did has gone. */
export function accept4(fd: number): number | undefined {
  const connection = trySyscall("accept4", [fd, null, null, SOCK_CLOEXEC | SOCK_NONBLOCK]);
  return connection < 0 ? undefined : connection;
}

/**
 * recvfrom(2): one datagram into `buffer`, the sender into `sender` (sockaddrInBytes). Its size; undefined when there is
 * none, or an error of an earlier sending was waiting.
 */
export function recvfrom(fd: number, buffer: Uint8Array, sender: Uint8Array): number | undefined {
  addressLength[0] = sockaddrInBytes;
  const size = trySyscall("recvfrom", [fd, buffer, buffer.byteLength, 0, sender, addressLengthBytes]);
  return size < 0 ? undefined : size;
}

const addressLength = new Int32Array(1);
const addressLengthBytes = new Uint8Array(addressLength.buffer);

/** sendto(2), whole or not at all; false when the kernel did not take it. */
export function sendto(fd: number, packet: Uint8Array, to: Uint8Array): boolean {
  return trySyscall("sendto", [fd, packet, packet.byteLength, 0, to, sockaddrInBytes]) >= 0;
}

/** fcntl(2) F_SETOWN and O_ASYNC: this process gets SIGIO whenever something has arrived. Stays over an execve. */
export function signalWhenReady(fd: number): void {
  syscall("fcntl", [fd, F_SETOWN, process.pid], () => `${fd}, F_SETOWN`);
  const flags = syscall("fcntl", [fd, F_GETFL, 0], () => `${fd}, F_GETFL`);
  syscall("fcntl", [fd, F_SETFL, flags | O_ASYNC], () => `${fd}, F_SETFL, O_ASYNC`);
}

/** struct sockaddr_in. */
export function sockaddrIn(address: string, port: number): Uint8Array {
  const bytes = new Uint8Array(sockaddrInBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  bytes.set(parseInet(address), 4);
  return bytes;
}

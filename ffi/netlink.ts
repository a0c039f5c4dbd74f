/**
 * netlink(7), which route-link.ts and conntrack.ts speak: its socket, the frame of a request, attributes, and what an answer
 * says of errors. All numbers have the machine's byte order.
 *
 * See linux/netlink.h.
 */
import { addressFamilies, socketTypes } from "./flags.ts";
import { syscall, syscallUninterrupted } from "./libc.ts";

/** Numbers of linux/netlink.h; a test compares them with it. */
export const netlinkNumber = {
  NLM_F_REQUEST: 0x1,
  NLM_F_ACK: 0x4,
  NLM_F_EXCL: 0x200,
  NLM_F_DUMP: 0x300,
  NLM_F_CREATE: 0x400,
  NLMSG_ERROR: 2,
  NLMSG_DONE: 3,
  NLA_F_NESTED: 0x8000,
} as const;

/** struct nlmsghdr: u32 len @0, u16 type @4, u16 flags @6, u32 seq @8, u32 pid @12. */
export const nlmsghdrBytes = 16;
/** struct nlattr: u16 len @0 with these 4 bytes, u16 type @2. */
const nlattrBytes = 4;

/** A socket of that protocol, in the network namespace this thread is in. `name`: the protocol's, for errors. */
export function openNetlink(protocol: number, name: string): number {
  const type = socketTypes.SOCK_RAW | socketTypes.SOCK_CLOEXEC;
  return syscall("socket", [addressFamilies.AF_NETLINK, type, protocol], () => `AF_NETLINK, ${name}`);
}

export function sendNetlink(fd: number, message: Uint8Array, what: () => string): void {
  syscall("sendto", [fd, message, message.byteLength, 0, null, 0], what);
}

/** One datagram into `buffer`; its length. */
export function receiveNetlink(fd: number, buffer: Uint8Array, what: () => string): number {
  return syscallUninterrupted("recvfrom", [fd, buffer, buffer.byteLength, 0, null, null], what);
}

/** A request: its header, then the parts, one behind the other. */
export function netlinkRequest(type: number, flags: number, parts: readonly Uint8Array[]): Uint8Array {
  const message = joined([new Uint8Array(nlmsghdrBytes), ...parts]);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.byteLength, true);
  view.setUint16(4, type, true);
  view.setUint16(6, netlinkNumber.NLM_F_REQUEST | flags, true);
  return message;
}

/** What it holds comes behind its head; all of it is padded. */
export function netlinkAttribute(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = joined([new Uint8Array(nlattrBytes), ...parts]);
  const length = nlattrBytes + parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, length, true);
  view.setUint16(2, type, true);
  return bytes;
}

/** NLMSG_ALIGN, NLA_ALIGN. */
export function netlinkAligned(length: number): number {
  return (length + 3) & ~3;
}

/** One behind the other, padded at the end. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(netlinkAligned(parts.reduce((sum, { byteLength }) => sum + byteLength, 0)));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

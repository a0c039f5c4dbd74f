/**
 * The kernel's table of flows (conntrack), of the network namespace this thread is in: reading its UDP flows, and removing
 * single ones. Speaks nfnetlink, since conntrack(8) is hardly anywhere installed.
 *
 * See netlink(7), linux/netfilter/nfnetlink.h, nfnetlink_conntrack.h. Numbers of netlink have the machine's byte order, ports
 * and addresses the network's. Needs CAP_NET_ADMIN.
 */
import { closeQuietly } from "./file.ts";
import { addressFamilies, socketTypes } from "./flags.ts";
import { syscall, syscallUninterrupted } from "./libc.ts";
import { SyscallError } from "./syscall-error.ts";

/** Numbers of linux/netlink.h and its netfilter headers; a test compares them with those. */
export const conntrackNumber = {
  NETLINK_NETFILTER: 12,
  NLM_F_REQUEST: 0x1,
  NLM_F_ACK: 0x4,
  NLM_F_DUMP: 0x300,
  NLMSG_ERROR: 2,
  NLMSG_DONE: 3,
  NFNL_SUBSYS_CTNETLINK: 1,
  IPCTNL_MSG_CT_GET: 1,
  IPCTNL_MSG_CT_DELETE: 2,
  CTA_TUPLE_ORIG: 1,
  CTA_TUPLE_IP: 1,
  CTA_TUPLE_PROTO: 2,
  CTA_IP_V4_DST: 2,
  CTA_IP_V6_DST: 4,
  CTA_PROTO_NUM: 1,
  CTA_PROTO_DST_PORT: 3,
} as const;

const number = conntrackNumber;
const { AF_NETLINK } = addressFamilies;
const { SOCK_RAW, SOCK_CLOEXEC } = socketTypes;
const IPPROTO_UDP = 17;
const ENOENT = 2;
/** struct nlmsghdr: u32 len @0, u16 type @4, u16 flags @6, u32 seq @8, u32 pid @12; then struct nfgenmsg: u8 family. */
const headerBytes = 16;
const familyBytes = 4;
/** What a dump brings at once: netlink never makes larger messages (NLMSG_GOODSIZE, 32 KiB at most). */
const bufferBytes = 64 * 1024;

/** A UDP flow as its first packet had it, before any translation. */
export interface UdpFlow {
  readonly destination: Uint8Array;
  readonly port: number;
}

/**
 * Removes the UDP flows of both families that `isGone` says of. Gives how many. A flow that ends meanwhile does not matter.
 * SyscallError EPROTONOSUPPORT: a kernel without netlink for conntrack.
 */
export function removeUdpFlows(isGone: (flow: UdpFlow) => boolean): number {
  const fd = syscall(
    "socket",
    [AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, number.NETLINK_NETFILTER],
    () => "AF_NETLINK, NETLINK_NETFILTER",
  );
  try {
    const gone: { family: number; tuple: Uint8Array }[] = [];
    request(fd, number.IPCTNL_MSG_CT_GET, number.NLM_F_DUMP, 0, new Uint8Array(0), (message, view) => {
      const read = readFlow(view, message);
      // A copy: the next messages come into the same buffer.
      if (read !== undefined && isGone(read.flow))
        gone.push({ family: message[headerBytes] ?? 0, tuple: Uint8Array.from(read.tuple) });
    });
    for (const { family, tuple } of gone) remove(fd, family, tuple);
    return gone.length;
  } finally {
    closeQuietly(fd);
  }
}

function remove(fd: number, family: number, tuple: Uint8Array): void {
  // NLA_F_NESTED is set already where the kernel set it.
  const attribute = new Uint8Array(4 + tuple.byteLength);
  const view = new DataView(attribute.buffer);
  view.setUint16(0, attribute.byteLength, true);
  view.setUint16(2, number.CTA_TUPLE_ORIG | NLA_F_NESTED, true);
  attribute.set(tuple, 4);
  try {
    request(fd, number.IPCTNL_MSG_CT_DELETE, number.NLM_F_ACK, family, attribute, () => undefined);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== ENOENT) throw error;
  }
}

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

/** Sends one request and hands on what comes until its end. Throws SyscallError with the kernel's answer. */
function request(
  fd: number,
  type: number,
  flags: number,
  family: number,
  attributes: Uint8Array,
  each: (message: Uint8Array, view: DataView) => void,
): void {
  const message = new Uint8Array(headerBytes + familyBytes + attributes.byteLength);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.byteLength, true);
  view.setUint16(4, (number.NFNL_SUBSYS_CTNETLINK << 8) | type, true);
  view.setUint16(6, number.NLM_F_REQUEST | flags, true);
  message[headerBytes] = family;
  message.set(attributes, headerBytes + familyBytes);
  syscall("sendto", [fd, message, message.byteLength, 0, null, 0], () => `${fd}, conntrack request ${type}`);
  const buffer = new Uint8Array(bufferBytes);
  for (;;) {
    const size = syscallUninterrupted(
      "recvfrom",
      [fd, buffer, buffer.byteLength, 0, null, null],
      () => `${fd}, conntrack answer ${type}`,
    );
    if (takeAnswers(buffer.subarray(0, size), type, each)) return;
  }
}

/** Reads the messages of one datagram; true after the last of the answer. */
function takeAnswers(
  datagram: Uint8Array,
  type: number,
  each: (message: Uint8Array, view: DataView) => void,
): boolean {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  for (let at = 0; at + headerBytes <= datagram.byteLength; ) {
    const length = view.getUint32(at, true);
    const kind = view.getUint16(at + 4, true);
    if (length < headerBytes || at + length > datagram.byteLength)
      throw new RangeError("malformed netlink message");
    if (kind === number.NLMSG_ERROR || kind === number.NLMSG_DONE) {
      // Both begin with a negative errno, or 0.
      const error = length >= headerBytes + 4 ? view.getInt32(at + headerBytes, true) : 0;
      if (error < 0) throw new SyscallError("sendto", -error, `conntrack request ${type}`);
      return true;
    }
    const message = datagram.subarray(at, at + length);
    each(message, new DataView(message.buffer, message.byteOffset, length));
    at += aligned(length);
  }
  return false;
}

/** The UDP flow of a message, and where its original tuple is; undefined for another protocol's. Read for each of the host's. */
function readFlow(view: DataView, message: Uint8Array): { flow: UdpFlow; tuple: Uint8Array } | undefined {
  const tuple = find(view, headerBytes + familyBytes, message.byteLength, number.CTA_TUPLE_ORIG);
  const protocol = findInside(view, tuple, number.CTA_TUPLE_PROTO);
  const protocolNumber = findInside(view, protocol, number.CTA_PROTO_NUM);
  if (protocolNumber === 0 || view.getUint8(protocolNumber) !== IPPROTO_UDP) return undefined;
  const addresses = findInside(view, tuple, number.CTA_TUPLE_IP);
  const destination =
    findInside(view, addresses, number.CTA_IP_V4_DST) || findInside(view, addresses, number.CTA_IP_V6_DST);
  const port = findInside(view, protocol, number.CTA_PROTO_DST_PORT);
  if (destination === 0 || port === 0) return undefined;
  return {
    flow: {
      destination: message.subarray(destination, endOf(view, destination)),
      port: view.getUint16(port),
    },
    tuple: message.subarray(tuple, endOf(view, tuple)),
  };
}

/**
 * What an attribute of that type holds begins here; 0: there is none. struct nlattr, one after another: u16 len @0 with its own
 * 4 bytes, u16 type @2.
 */
function find(view: DataView, from: number, to: number, type: number): number {
  for (let at = from; at + 4 <= to; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > to) return 0;
    if ((view.getUint16(at + 2, true) & NLA_TYPE_MASK) === type) return at + 4;
    at += aligned(length);
  }
  return 0;
}

/** Among the attributes that another one holds, which may be missing itself. */
function findInside(view: DataView, outer: number, type: number): number {
  return outer === 0 ? 0 : find(view, outer, endOf(view, outer), type);
}

/** Where an attribute that begins to hold something at `start` ends. */
function endOf(view: DataView, start: number): number {
  return start - 4 + view.getUint16(start - 4, true);
}

/** NLMSG_ALIGN, NLA_ALIGN. */
function aligned(length: number): number {
  return (length + 3) & ~3;
}

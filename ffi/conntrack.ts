/**
 * The kernel's table of flows (conntrack), of the network namespace this thread is in: reading its UDP flows, and removing
 * single ones. Speaks nfnetlink, since conntrack(8) is hardly anywhere installed.
 *
 * See netlink(7), linux/netfilter/nfnetlink.h, nfnetlink_conntrack.h. Numbers of netlink have the machine's byte order, ports
 * and addresses the network's. Needs CAP_NET_ADMIN.
 */
import { closeQuietly } from "./file.ts";
import {
  netlinkAligned,
  netlinkAttribute,
  netlinkNumber,
  netlinkRequest,
  nlmsghdrBytes,
  openNetlink,
  receiveNetlink,
  sendNetlink,
} from "./netlink.ts";
import { SyscallError } from "./syscall-error.ts";

/** Numbers of the netfilter headers; a test compares them with those. */
export const conntrackNumber = {
  NETLINK_NETFILTER: 12,
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
const { NLM_F_ACK, NLM_F_DUMP, NLMSG_DONE, NLMSG_ERROR, NLA_F_NESTED } = netlinkNumber;
const IPPROTO_UDP = 17;
const ENOENT = 2;
/** struct nfgenmsg, behind the header: u8 family @0. */
const nfgenmsgBytes = 4;
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
  const fd = openNetlink(number.NETLINK_NETFILTER, "NETLINK_NETFILTER");
  try {
    const gone: { family: number; tuple: Uint8Array }[] = [];
    request(fd, number.IPCTNL_MSG_CT_GET, NLM_F_DUMP, 0, new Uint8Array(0), (message, view) => {
      const read = readFlow(view, message);
      // A copy: the next messages come into the same buffer.
      if (read !== undefined && isGone(read.flow))
        gone.push({ family: message[nlmsghdrBytes] ?? 0, tuple: Uint8Array.from(read.tuple) });
    });
    for (const { family, tuple } of gone) remove(fd, family, tuple);
    return gone.length;
  } finally {
    closeQuietly(fd);
  }
}

function remove(fd: number, family: number, tuple: Uint8Array): void {
  const attribute = netlinkAttribute(number.CTA_TUPLE_ORIG | NLA_F_NESTED, tuple);
  try {
    request(fd, number.IPCTNL_MSG_CT_DELETE, NLM_F_ACK, family, attribute, () => undefined);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== ENOENT) throw error;
  }
}

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
  const nfgenmsg = Uint8Array.of(family, 0, 0, 0);
  const message = netlinkRequest((number.NFNL_SUBSYS_CTNETLINK << 8) | type, flags, [nfgenmsg, attributes]);
  sendNetlink(fd, message, () => `${fd}, conntrack request ${type}`);
  const buffer = new Uint8Array(bufferBytes);
  for (;;) {
    const size = receiveNetlink(fd, buffer, () => `${fd}, conntrack answer ${type}`);
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
  for (let at = 0; at + nlmsghdrBytes <= datagram.byteLength; ) {
    const length = view.getUint32(at, true);
    const kind = view.getUint16(at + 4, true);
    if (length < nlmsghdrBytes || at + length > datagram.byteLength)
      throw new RangeError("malformed netlink message");
    if (kind === NLMSG_ERROR || kind === NLMSG_DONE) {
      // Both begin with a negative errno, or 0.
      const error = length >= nlmsghdrBytes + 4 ? view.getInt32(at + nlmsghdrBytes, true) : 0;
      if (error < 0) throw new SyscallError("sendto", -error, `conntrack request ${type}`);
      return true;
    }
    const message = datagram.subarray(at, at + length);
    each(message, new DataView(message.buffer, message.byteOffset, length));
    at += netlinkAligned(length);
  }
  return false;
}

/** The UDP flow of a message, and where its original tuple is; undefined for another protocol's. Read for each of the host's. */
function readFlow(view: DataView, message: Uint8Array): { flow: UdpFlow; tuple: Uint8Array } | undefined {
  const tuple = find(view, nlmsghdrBytes + nfgenmsgBytes, message.byteLength, number.CTA_TUPLE_ORIG);
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
    at += netlinkAligned(length);
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

/**
 * Links by rtnetlink(7), in the network namespace this thread is in: a veth pair on a bridge, and what its port does. What
 * `ip link` would ask for, without starting it. Needs CAP_NET_ADMIN.
 *
 * See linux/rtnetlink.h, linux/if_link.h.
 */
import { closeQuietly } from "./file.ts";
import { interfaceFlags } from "./flags.ts";
import { parseHardwareAddress } from "./inet-address.ts";
import { ifreqUnion, interfaceRequest, ioctlRequest } from "./kernel-struct.ts";
import { syscall } from "./libc.ts";
import {
  netlinkAttribute as attribute,
  netlinkNumber,
  netlinkRequest,
  nlmsghdrBytes,
  openNetlink,
  receiveNetlink,
  sendNetlink,
} from "./netlink.ts";
import { SyscallError } from "./syscall-error.ts";

export type LinkRequest =
  /** A veth pair: this end up and on the bridge `master`, the other in the network namespace of process `peer.pid`. */
  | {
      readonly kind: "veth";
      readonly name: string;
      readonly mtu: number;
      readonly master: string;
      readonly peer: {
        readonly name: string;
        readonly mtu: number;
        readonly macAddress: string;
        readonly pid: number;
      };
    }
  /** The port that link `name` is of its bridge; `isolated`: apart from others that are (Linux 4.18). */
  | { readonly kind: "bridge-port"; readonly name: string; readonly isolated: boolean };

/** Numbers of linux/rtnetlink.h, if_link.h and veth.h; a test compares them with those. */
export const routeLinkNumber = {
  NETLINK_ROUTE: 0,
  RTM_NEWLINK: 16,
  IFLA_ADDRESS: 1,
  IFLA_IFNAME: 3,
  IFLA_MTU: 4,
  IFLA_MASTER: 10,
  IFLA_LINKINFO: 18,
  IFLA_NET_NS_PID: 19,
  IFLA_INFO_KIND: 1,
  IFLA_INFO_DATA: 2,
  IFLA_INFO_SLAVE_KIND: 4,
  IFLA_INFO_SLAVE_DATA: 5,
  VETH_INFO_PEER: 1,
  IFLA_BRPORT_MODE: 4,
  IFLA_BRPORT_ISOLATED: 33,
} as const;

const number = routeLinkNumber;
const { NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLMSG_ERROR } = netlinkNumber;
const { IFF_UP } = interfaceFlags;
/** struct ifinfomsg: u8 family @0, u16 type @2, s32 index @4, u32 flags @8, u32 change @12. */
export const ifinfomsgBytes = 16;
/** An answer is an error number and, where it is one, the request. */
const answerBytes = 1024;

/** Makes the requests in order, each whole or not at all. Throws LinkRefused for the first that the kernel does not grant. */
export function requestLinks(requests: readonly LinkRequest[]): void {
  const fd = openNetlink(number.NETLINK_ROUTE, "NETLINK_ROUTE");
  try {
    for (const [index, request] of requests.entries()) {
      try {
        ask(fd, request);
      } catch (error) {
        throw new LinkRefused(index, error);
      }
    }
  } finally {
    closeQuietly(fd);
  }
}

/** Nothing of the request number `index` was done, all of those before it. */
export class LinkRefused extends Error {
  constructor(
    readonly index: number,
    override readonly cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function ask(fd: number, request: LinkRequest): void {
  const message =
    request.kind === "veth" ? vethMessage(request, indexOf(fd, request.master)) : portMessage(request);
  const what = () => `RTM_NEWLINK, ${request.kind} ${request.name}`;
  sendNetlink(fd, message, what);
  const answer = new Uint8Array(answerBytes);
  const size = receiveNetlink(fd, answer, what);
  const view = new DataView(answer.buffer);
  if (size < nlmsghdrBytes + 4 || view.getUint16(4, true) !== NLMSG_ERROR)
    throw new RangeError("malformed netlink answer");
  const error = view.getInt32(nlmsghdrBytes, true);
  if (error !== 0) throw new SyscallError("sendto", -error, what());
}

/** SIOCGIFINDEX of netdevice(7), which every socket takes. */
function indexOf(fd: number, name: string): number {
  const { bytes } = interfaceRequest(name);
  syscall("ioctl", [fd, ioctlRequest.SIOCGIFINDEX, bytes], () => `${fd}, SIOCGIFINDEX, ${name}`);
  return new DataView(bytes.buffer).getInt32(ifreqUnion, true);
}

/** RTM_NEWLINK that makes a pair; `master` is the bridge's index. */
export function vethMessage(request: LinkRequest & { readonly kind: "veth" }, master: number): Uint8Array {
  const { peer } = request;
  const other = [
    new Uint8Array(ifinfomsgBytes),
    attribute(number.IFLA_IFNAME, text(peer.name)),
    attribute(number.IFLA_MTU, word(peer.mtu)),
    attribute(number.IFLA_ADDRESS, parseHardwareAddress(peer.macAddress)),
    attribute(number.IFLA_NET_NS_PID, word(peer.pid)),
  ];
  return newLink(NLM_F_CREATE | NLM_F_EXCL, IFF_UP, [
    attribute(number.IFLA_IFNAME, text(request.name)),
    attribute(number.IFLA_MTU, word(request.mtu)),
    attribute(number.IFLA_MASTER, word(master)),
    attribute(
      number.IFLA_LINKINFO,
      attribute(number.IFLA_INFO_KIND, text("veth")),
      attribute(number.IFLA_INFO_DATA, attribute(number.VETH_INFO_PEER, ...other)),
    ),
  ]);
}

/** RTM_NEWLINK that changes a bridge's port: hairpin on, and apart from others. */
export function portMessage({ name, isolated }: LinkRequest & { readonly kind: "bridge-port" }): Uint8Array {
  const settings = [attribute(number.IFLA_BRPORT_MODE, Uint8Array.of(1))];
  if (isolated) settings.push(attribute(number.IFLA_BRPORT_ISOLATED, Uint8Array.of(1)));
  return newLink(0, 0, [
    attribute(number.IFLA_IFNAME, text(name)),
    attribute(
      number.IFLA_LINKINFO,
      attribute(number.IFLA_INFO_SLAVE_KIND, text("bridge")),
      attribute(number.IFLA_INFO_SLAVE_DATA, ...settings),
    ),
  ]);
}

/** `state`: the interface flags to set. */
function newLink(flags: number, state: number, attributes: readonly Uint8Array[]): Uint8Array {
  const info = new Uint8Array(ifinfomsgBytes);
  const view = new DataView(info.buffer);
  view.setUint32(8, state, true);
  view.setUint32(12, state, true);
  return netlinkRequest(number.RTM_NEWLINK, NLM_F_ACK | flags, [info, ...attributes]);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(`${value}\0`);
}

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/**
 * Structs that go on tape, as bytes: sizes and offsets are those of the kernel's headers, the same on x86-64 and arm64,
 * and a test compiles the headers to compare. Structs of calls that this process makes itself are beside the calls.
 */
import { openHowBytes } from "./file.ts";
import { addressFamilies } from "./flags.ts";
import { mountAttrBytes } from "./mount.ts";
import { rlimit64Bytes } from "./process.ts";
import type { TapeData } from "./tape.ts";

/** Requests of netdevice(7), rtnetlink's ancestors, and ioctl_tty(2). */
export const ioctlRequest = {
  SIOCADDRT: 0x890b,
  SIOCSIFFLAGS: 0x8914,
  SIOCSIFADDR: 0x8916,
  SIOCSIFNETMASK: 0x891c,
  SIOCSIFMTU: 0x8922,
  SIOCSIFHWADDR: 0x8924,
  SIOCGIFINDEX: 0x8933,
  TIOCSCTTY: 0x540e,
} as const;

const { AF_INET } = addressFamilies;
export const SECCOMP_SET_MODE_FILTER = 1;
export const KEYCTL_JOIN_SESSION_KEYRING = 1;
export const IOPRIO_WHO_PROCESS = 1;
const ARPHRD_ETHER = 1;
const RTF_UP = 1;
const RTF_GATEWAY = 2;
const CAPABILITY_VERSION_3 = 0x20080522;

/** struct open_how, openat2(2). */
export function openHow(flags: number, resolve: number): TapeData {
  return words(openHowBytes, [flags, 0, 0, 0, resolve, 0]);
}

/** struct mount_attr, mount_setattr(2). */
export function mountAttr(set: number, clear: number, propagation: number, userNamespaceFd = 0): TapeData {
  return words(mountAttrBytes, [set, 0, clear, 0, propagation, 0, userNamespaceFd, 0]);
}

/** struct rlimit64, prlimit(2). */
export function rlimit64(soft: bigint, hard: bigint): TapeData {
  return words(rlimit64Bytes, [low(soft), high(soft), low(hard), high(hard)]);
}

/** struct sched_attr, sched_setattr(2): u32 size @0, u32 policy @4, u64 flags @8, s32 nice @16, u32 priority @20, u64 runtime @24, deadline @32, period @40; 48 bytes. */
export const schedAttrBytes = 48;

export interface SchedAttr {
  readonly policy: number;
  readonly flags: number;
  readonly nice: number;
  readonly priority: number;
  /** Nanoseconds, as the two below. */
  readonly runtime: number;
  readonly deadline: number;
  readonly period: number;
}

/** As sched_setattr(2) takes it. */
export function schedAttr({ policy, flags, nice, priority, ...times }: SchedAttr): TapeData {
  const { runtime, deadline, period } = times;
  const nanoseconds = [runtime, deadline, period].map(BigInt).flatMap((word) => [low(word), high(word)]);
  return words(schedAttrBytes, [schedAttrBytes, policy, flags, 0, nice, priority, ...nanoseconds]);
}

/** cpu_set_t as long as it has to be, sched_setaffinity(2). */
export function cpuSet(cpus: readonly number[]): TapeData {
  const bytes = new Uint8Array((Math.floor(Math.max(0, ...cpus) / 64) + 1) * 8);
  for (const cpu of cpus) bytes[cpu >> 3] = (bytes[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return { bytes };
}

/** The word of ioprio_set(2): class and level. */
export function ioPriority(ioClass: number, level: number): number {
  return (ioClass << 13) | level;
}

/** gid_t[], setgroups(2). */
export function groupList(gids: readonly number[]): TapeData {
  return words(gids.length * 4, gids);
}

/** struct __user_cap_header_struct, capset(2): u32 version @0, int pid @4; 8 bytes. pid 0: this process. */
export function capabilityHeader(): TapeData {
  return words(8, [CAPABILITY_VERSION_3, 0]);
}

/** struct __user_cap_data_struct[2]: u32 effective @0, permitted @4, inheritable @8; 12 bytes each, low word first. */
export function capabilityData(effective: bigint, permitted: bigint, inheritable: bigint): TapeData {
  const sets = [effective, permitted, inheritable];
  return words(24, [...sets.map(low), ...sets.map(high)]);
}

/** struct sock_fprog, seccomp(2): u16 len @0, pointer filter @8; 16 bytes. */
export function filterProgram(filter: Uint8Array): TapeData {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint16(0, filter.length / 8, true);
  return { bytes, pointers: [{ at: 8, to: { bytes: filter } }] };
}

/** struct ifreq, netdevice(7): char name[16] @0, union @16; 40 bytes. */
export const ifreqBytes = 40;
/** ifr_ifindex and the other members of the union. */
export const ifreqUnion = 16;

/** ifreq with nothing but the name: what SIOCGIFINDEX fills in. */
export function interfaceRequest(name: string): TapeData {
  const bytes = new Uint8Array(ifreqBytes);
  const encoded = new TextEncoder().encode(name);
  if (encoded.length === 0 || encoded.length > 15) throw new RangeError(`invalid interface name "${name}"`);
  bytes.set(encoded);
  return { bytes };
}

/** ifreq with ifr_flags (short). */
export function interfaceFlagsRequest(name: string, flags: number): TapeData {
  return withUnion(name, (view) => view.setInt16(ifreqUnion, flags, true));
}

/** ifreq with ifr_mtu (int). */
export function interfaceMtuRequest(name: string, mtu: number): TapeData {
  return withUnion(name, (view) => view.setInt32(ifreqUnion, mtu, true));
}

/** ifreq with ifr_addr, a struct sockaddr_in: u16 family @0, u16 port @2, address @4. */
export function interfaceAddressRequest(name: string, address: Uint8Array): TapeData {
  return withUnion(name, (view, bytes) => {
    view.setUint16(ifreqUnion, AF_INET, true);
    bytes.set(address, ifreqUnion + 4);
  });
}

/** ifreq with ifr_hwaddr: u16 hardware type @0, six bytes @2. */
export function interfaceHardwareRequest(name: string, mac: Uint8Array): TapeData {
  return withUnion(name, (view, bytes) => {
    view.setUint16(ifreqUnion, ARPHRD_ETHER, true);
    bytes.set(mac, ifreqUnion + 2);
  });
}

/** struct rtentry: sockaddr dst @8, gateway @24, genmask @40, u16 flags @56, … char *dev @88; 120 bytes. */
export const rtentryBytes = 120;

/** rtentry of a default route; the kernel finds the interface by the gateway. */
export function defaultRoute(gateway: Uint8Array): TapeData {
  const bytes = new Uint8Array(rtentryBytes);
  const view = new DataView(bytes.buffer);
  for (const sockaddr of [8, 24, 40]) view.setUint16(sockaddr, AF_INET, true);
  bytes.set(gateway, 24 + 4);
  view.setUint16(56, RTF_UP | RTF_GATEWAY, true);
  return { bytes };
}

/** struct in6_ifreq: address @0, u32 prefix length @16, int index @20; 24 bytes. */
export const in6IfreqBytes = 24;
export const in6IfreqIndex = 20;

/** in6_ifreq whose index is filled in on tape. */
export function interfaceAddress6(address: Uint8Array, prefix: number): TapeData {
  const bytes = new Uint8Array(in6IfreqBytes);
  bytes.set(address);
  new DataView(bytes.buffer).setUint32(16, prefix, true);
  return { bytes };
}

/** struct in6_rtmsg: dst @0, src @16, gateway @32, u32 type @48, u16 dst_len @52, src_len @54, u32 metric @56, u64 info @64, u32 flags @72, int index @76; 80 bytes. */
export const in6RtmsgBytes = 80;
export const in6RtmsgIndex = 76;

/** in6_rtmsg of a default route, index filled in on tape. */
export function defaultRoute6(gateway: Uint8Array): TapeData {
  const bytes = new Uint8Array(in6RtmsgBytes);
  const view = new DataView(bytes.buffer);
  bytes.set(gateway, 32);
  view.setUint32(56, 1024, true);
  view.setUint32(72, RTF_UP | RTF_GATEWAY, true);
  return { bytes };
}

function withUnion(name: string, fill: (view: DataView, bytes: Uint8Array) => void): TapeData {
  const request = interfaceRequest(name);
  fill(new DataView(request.bytes.buffer), request.bytes);
  return request;
}

/** A 64-bit word, where an argument is a mask and no pointer. */
export function wordOf(word: bigint): TapeData {
  return words(8, [low(word), high(word)]);
}

function low(word: bigint): number {
  return Number(word & 0xffff_ffffn);
}

function high(word: bigint): number {
  return Number((word >> 32n) & 0xffff_ffffn);
}

/** 32-bit words, low one first. */
function words(bytes: number, values: readonly number[]): TapeData {
  const buffer = new Uint32Array(bytes / 4);
  buffer.set(values);
  return { bytes: new Uint8Array(buffer.buffer) };
}

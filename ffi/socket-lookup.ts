/**
 * Steering what comes in for one address and port of a network namespace to sockets of our choice, whoever else listens
 * there: a BPF program of type SK_LOOKUP (Linux 5.9; docs.kernel.org/bpf/prog_sk_lookup.html).
 *
 * So a service on port 53 leaves that port free for the container's own server, and needs no firewall rule in there.
 * The program is asked before the kernel looks for a listening socket, and for nothing else. It lives as long as the
 * link's descriptor is open in some process.
 */
import { loadProgram } from "./bpf.ts";
import { closeQuietly } from "./file.ts";
import { addressFamilies } from "./flags.ts";
import { parseInet } from "./inet-address.ts";
import { addressOf, syscall } from "./libc.ts";

/** Of linux/bpf.h: commands, types, and the numbers of the helpers that the program calls. */
export const lookupNumber = {
  BPF_MAP_CREATE: 0,
  BPF_MAP_UPDATE_ELEM: 2,
  BPF_LINK_CREATE: 28,
  BPF_MAP_TYPE_SOCKMAP: 15,
  BPF_PROG_TYPE_SK_LOOKUP: 30,
  BPF_SK_LOOKUP: 36,
  BPF_SK_LOOKUP_F_REPLACE: 1,
  SK_PASS: 1,
  BPF_FUNC_map_lookup_elem: 1,
  BPF_FUNC_sk_release: 86,
  BPF_FUNC_sk_assign: 124,
} as const;
const { BPF_MAP_CREATE, BPF_MAP_UPDATE_ELEM, BPF_LINK_CREATE, BPF_SK_LOOKUP } = lookupNumber;
const { AF_INET } = addressFamilies;
const IPPROTO_UDP = 17;

/** Members of struct bpf_sk_lookup that the program reads. The address is in network order, the port in the host's. */
export const skLookupOffset = { family: 8, protocol: 12, local_ip4: 40, local_port: 60 } as const;

/** Where a lookup is to be steered to: bound sockets of the namespace, the stream one listening. */
export interface LookupTarget {
  readonly address: string;
  readonly port: number;
  readonly datagramFd: number;
  readonly streamFd: number;
}

/**
 * Attaches the program to the network namespace `namespaceFd`. Returns the link's descriptor, close-on-exec, the
 * caller's: closing it ends the steering. The sockets stay the caller's.
 *
 * @throws SyscallError where the kernel is older, has no sockmap, or refuses bpf(2)
 */
export function steerLookups(namespaceFd: number, target: LookupTarget): number {
  const opened: number[] = [];
  try {
    const map = createSocketMap([target.datagramFd, target.streamFd]);
    opened.push(map);
    const kind = { type: lookupNumber.BPF_PROG_TYPE_SK_LOOKUP, attachType: BPF_SK_LOOKUP };
    const program = loadProgram(kind, lookupProgram(map, target));
    opened.push(program);
    const link = words([program, namespaceFd, BPF_SK_LOOKUP, 0]);
    return syscall("bpf", [BPF_LINK_CREATE, link, link.byteLength], () => "BPF_LINK_CREATE, BPF_SK_LOOKUP");
  } finally {
    closeQuietly(...opened);
  }
}

/** A BPF_MAP_TYPE_SOCKMAP of u32 to a socket's u64, filled in this order. */
function createSocketMap(sockets: readonly number[]): number {
  const shape = words([lookupNumber.BPF_MAP_TYPE_SOCKMAP, 4, 8, sockets.length]);
  const map = syscall("bpf", [BPF_MAP_CREATE, shape, shape.byteLength], () => "BPF_MAP_CREATE, SOCKMAP");
  try {
    for (const [index, fd] of sockets.entries()) putSocket(map, index, fd);
    return map;
  } catch (error) {
    closeQuietly(map);
    throw error;
  }
}

/** union bpf_attr: u32 map_fd @0, u64 key @8, u64 value @16, u64 flags @24; 32 bytes, with key and value behind it. */
function putSocket(map: number, index: number, fd: number): void {
  const attr = new Uint8Array(48);
  const view = new DataView(attr.buffer);
  const address = addressOf(attr);
  view.setUint32(0, map, true);
  view.setBigUint64(8, address + 32n, true);
  view.setBigUint64(16, address + 40n, true);
  view.setUint32(32, index, true);
  view.setUint32(40, fd, true);
  syscall("bpf", [BPF_MAP_UPDATE_ELEM, attr, 32], () => `BPF_MAP_UPDATE_ELEM, ${index}, ${fd}`);
}

/** As linux/bpf.h has them: class, size and operation in one byte. */
const opcode = {
  loadWord: 0x61,
  storeWord: 0x63,
  move: 0xbf,
  moveValue: 0xb7,
  addValue: 0x07,
  jumpIfEqual: 0x15,
  jumpUnless: 0x55,
  jumpUnless32: 0x56,
  loadMap: 0x18,
  call: 0x85,
  exit: 0x95,
} as const;
const BPF_PSEUDO_MAP_FD = 1;

/** struct bpf_insn[]: u8 code, u4 dst, u4 src, s16 off, s32 imm; 8 bytes each. */
function lookupProgram(map: number, { address, port }: LookupTarget): Uint8Array {
  const bytes = parseInet(address);
  const local = new DataView(bytes.buffer).getInt32(0, true);
  const { family, protocol, local_ip4, local_port } = skLookupOffset;
  const lines = [
    [opcode.move, 6, 1, 0, 0],
    [opcode.loadWord, 2, 6, family, 0],
    [opcode.jumpUnless, 2, 0, 22, AF_INET],
    [opcode.loadWord, 2, 6, local_ip4, 0],
    [opcode.jumpUnless32, 2, 0, 20, local],
    [opcode.loadWord, 2, 6, local_port, 0],
    [opcode.jumpUnless, 2, 0, 18, port],
    // Key 0 is the datagram socket's, 1 the stream socket's.
    [opcode.loadWord, 2, 6, protocol, 0],
    [opcode.moveValue, 3, 0, 0, 0],
    [opcode.jumpIfEqual, 2, 0, 1, IPPROTO_UDP],
    [opcode.moveValue, 3, 0, 0, 1],
    [opcode.storeWord, 10, 3, -4, 0],
    [opcode.move, 2, 10, 0, 0],
    [opcode.addValue, 2, 0, 0, -4],
    [opcode.loadMap, 1, BPF_PSEUDO_MAP_FD, 0, map],
    [0, 0, 0, 0, 0],
    [opcode.call, 0, 0, 0, lookupNumber.BPF_FUNC_map_lookup_elem],
    [opcode.jumpIfEqual, 0, 0, 7, 0],
    [opcode.move, 7, 0, 0, 0],
    [opcode.move, 1, 6, 0, 0],
    [opcode.move, 2, 7, 0, 0],
    [opcode.moveValue, 3, 0, 0, lookupNumber.BPF_SK_LOOKUP_F_REPLACE],
    [opcode.call, 0, 0, 0, lookupNumber.BPF_FUNC_sk_assign],
    [opcode.move, 1, 7, 0, 0],
    [opcode.call, 0, 0, 0, lookupNumber.BPF_FUNC_sk_release],
    [opcode.moveValue, 0, 0, 0, lookupNumber.SK_PASS],
    [opcode.exit, 0, 0, 0, 0],
  ] as const;
  const program = new Uint8Array(lines.length * 8);
  const view = new DataView(program.buffer);
  for (const [index, [code, to, from, offset, value]] of lines.entries()) {
    view.setUint8(index * 8, code);
    view.setUint8(index * 8 + 1, to | (from << 4));
    view.setInt16(index * 8 + 2, offset, true);
    view.setInt32(index * 8 + 4, value, true);
  }
  return program;
}

function words(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

/**
 * LaunchPlan → tape: names become numbers, an operation becomes one call (IPv6 ones: three).
 *
 * Nothing is decided here and nothing is called. Descriptor names become the numbers that startProcess gives the child
 * (inherited ones) or slots that init fills (kept ones).
 */
import { errnoNumber } from "../../ffi/errno.ts";
import { makedev, openHowBytes } from "../../ffi/file.ts";
import {
  AT_FDCWD,
  atFlags,
  cloneFlags,
  closeRangeFlags,
  type FlagTable,
  flagBits,
  fsconfigCommands,
  fsmountFlags,
  fsopenFlags,
  interfaceFlags,
  mountAttributes,
  mountFlags,
  moveMountFlags,
  openFlags,
  openTreeFlags,
  prctlOptions,
  resolveFlags,
  seccompFlags,
  umountFlags,
} from "../../ffi/flags.ts";
import { parseHardwareAddress, parseInet, parseInet6 } from "../../ffi/inet-address.ts";
import * as struct from "../../ffi/kernel-struct.ts";
import { mountAttrBytes } from "../../ffi/mount.ts";
import type { SyscallName } from "../../ffi/syscall-number.ts";
import {
  stringArray,
  type TapeArgument,
  type TapeData,
  type TapeOptions,
  TapeWriter,
} from "../../ffi/tape.ts";
import type { Execve, Fd, LaunchOperation, LaunchPlan, NetworkIoctl, TtyIoctl } from "../launch/plan.ts";

export interface EncodedPlan {
  readonly tape: Uint8Array;
  /** For each operation on tape, the index of the plan's operation it belongs to. */
  readonly owners: readonly number[];
}

/** The first descriptor behind the standard ones. */
export const firstInheritedFd = 3;

/** Puts a plan on tape. Throws RangeError for what no tape can hold: a NUL byte in an argument, too many mounts. */
export function encodePlan(plan: LaunchPlan): EncodedPlan {
  const encoder = new PlanEncoder(plan.inherits);
  for (const [index, operation] of plan.operations.entries()) encoder.encode(operation, index);
  return { tape: encoder.tape.finish(), owners: encoder.owners };
}

type Arguments = readonly TapeArgument[];
type SyscallOperation = Exclude<
  LaunchOperation,
  { call: "fork" | "wait" | "verify-cwd" | "report" | "execve" | "ioctl" }
>;
type Encoders = {
  readonly [Call in SyscallOperation["call"]]: (
    operation: OperationOf<Call>,
    fd: (fd: Fd) => TapeArgument,
  ) => Arguments;
};
/** Members of the union that can be this call; some stand for two. */
type OperationOf<Call, Operation = SyscallOperation> = Operation extends { call: infer Own }
  ? Call extends Own
    ? Operation
    : never
  : never;

const bits = <Table extends FlagTable>(table: Table, names: readonly (keyof Table)[]) =>
  flagBits(table, names);
const openTreeOrAt = { ...openTreeFlags, ...atFlags };

/** The kernel's argument order, per call. */
const encoders: Encoders = {
  setns: (op, fd) => [fd(op.fd), bits(cloneFlags, op.types)],
  unshare: (op) => [bits(cloneFlags, op.flags)],
  setsid: () => [],
  prctl: (op) => [prctlOptions[op.option], op.argument, op.argument3 ?? 0, 0, 0],
  prlimit64: (op) => [0, op.resource, struct.rlimit64(op.soft, op.hard), null],
  umask: (op) => [op.mask],
  sethostname: (op) => [op.name, utf8Length(op.name)],
  setdomainname: (op) => [op.name, utf8Length(op.name)],
  openat: (op, fd) => [fd(op.dirfd), op.path, bits(openFlags, op.flags), op.mode ?? 0],
  openat2: (op, fd) => [
    fd(op.dirfd),
    op.path,
    struct.openHow(bits(openFlags, op.flags), bits(resolveFlags, op.resolve)),
    openHowBytes,
  ],
  close: (op, fd) => [fd(op.fd)],
  mkdirat: (op, fd) => [fd(op.dirfd), op.path, op.mode],
  mknodat: (op, fd) => [fd(op.dirfd), op.path, op.mode, makedev(op)],
  symlinkat: (op, fd) => [op.target, fd(op.dirfd), op.path],
  fchownat: (op, fd) => [fd(op.dirfd), op.path, op.uid, op.gid, bits(atFlags, op.flags)],
  write: (op, fd) => {
    const bytes = new TextEncoder().encode(op.text);
    return [fd(op.fd), { bytes }, bytes.length];
  },
  mount: (op) => [
    op.source,
    op.target,
    op.fsType,
    bits(mountFlags, op.flags),
    op.data === "" ? null : op.data,
  ],
  umount2: (op) => [op.target, bits(umountFlags, op.flags)],
  fsopen: (op) => [op.fsType, fsopenFlags.FSOPEN_CLOEXEC],
  fsconfig: (op, fd) => [fd(op.fd), fsconfigCommands[op.command], op.key, op.value, 0],
  fsmount: (op, fd) => [fd(op.fd), fsmountFlags.FSMOUNT_CLOEXEC, bits(mountAttributes, op.attributes)],
  open_tree: (op, fd) => [fd(op.dirfd), op.path, bits(openTreeOrAt, op.flags)],
  move_mount: (op, fd) => [fd(op.fromFd), op.from, fd(op.toFd), op.to, bits(moveMountFlags, op.flags)],
  mount_setattr: (op, fd) => [
    fd(op.dirfd),
    op.path,
    bits(atFlags, op.flags),
    struct.mountAttr(
      bits(mountAttributes, op.set),
      bits(mountAttributes, op.clear),
      bits(mountFlags, op.propagation),
    ),
    mountAttrBytes,
  ],
  pivot_root: (op) => [op.newRoot, op.putOld],
  chroot: (op) => [op.path],
  fchdir: (op, fd) => [fd(op.fd)],
  chdir: (op) => [op.path],
  socket: (op) => [struct.addressFamily[op.family], struct.SOCK_DGRAM_CLOEXEC, 0],
  setgroups: (op) => [op.gids.length, op.gids.length === 0 ? null : struct.groupList(op.gids)],
  setresgid: (op) => [op.id, op.id, op.id],
  setresuid: (op) => [op.id, op.id, op.id],
  capset: (op) => [
    struct.capabilityHeader(),
    struct.capabilityData(op.effective, op.permitted, op.inheritable),
  ],
  seccomp: (op) => [
    struct.SECCOMP_SET_MODE_FILTER,
    bits(seccompFlags, op.flags),
    struct.filterProgram(op.filter),
  ],
  keyctl: (op) => [struct.KEYCTL_JOIN_SESSION_KEYRING, op.name],
  close_range: (op) => [op.first, 0xffff_ffff, bits(closeRangeFlags, op.flags)],
};

class PlanEncoder {
  readonly tape = new TapeWriter();
  readonly owners: number[] = [];
  readonly #inherited: readonly string[];
  readonly #slots = new Map<string, number>();
  #slotsUsed = 0;
  readonly #freeSlots: number[] = [];
  readonly #fd = (fd: Fd) => this.#resolve(fd);

  constructor(inherited: readonly string[]) {
    this.#inherited = inherited;
  }

  encode(operation: LaunchOperation, index: number): void {
    switch (operation.call) {
      case "fork":
      case "wait":
      case "report":
        this.tape.own(operation.call);
        break;
      case "verify-cwd":
        this.tape.own("verifyCwd");
        break;
      case "execve":
        this.#execve(operation);
        break;
      case "ioctl":
        this.#ioctl(operation);
        break;
      default:
        this.#call(operation);
    }
    while (this.owners.length < this.tape.length) this.owners.push(index);
  }

  #call(operation: SyscallOperation): void {
    const encode = encoders[operation.call] as (
      operation: SyscallOperation,
      fd: (fd: Fd) => TapeArgument,
    ) => Arguments;
    const args = encode(operation, this.#fd);
    this.tape.call(operation.call satisfies SyscallName, args, this.#options(operation));
    if (operation.call === "close" && typeof operation.fd === "string") this.#release(operation.fd);
  }

  #options(operation: SyscallOperation | NetworkIoctl | TtyIoctl): TapeOptions {
    const ignore = operation.ignore?.map(errnoNumber);
    const keep =
      "keep" in operation && operation.keep !== undefined ? this.#reserve(operation.keep) : undefined;
    const unless =
      "unless" in operation && operation.unless !== undefined ? this.#slotOf(operation.unless) : undefined;
    return { ignore, keep, unless };
  }

  #resolve(fd: Fd): TapeArgument {
    if (typeof fd === "number") return fd;
    if (fd === "AT_FDCWD") return AT_FDCWD;
    const position = this.#inherited.indexOf(fd);
    return position === -1 ? { slot: this.#slotOf(fd) } : firstInheritedFd + position;
  }

  #slotOf(name: string): number {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new RangeError(`nothing on the tape keeps "${name}"`);
    return slot;
  }

  #reserve(name: string): number {
    const slot = this.#freeSlots.pop() ?? this.#slotsUsed++;
    if (slot >= 1024) throw new RangeError("a launch plan holds more than 1024 descriptors at once");
    this.#slots.set(name, slot);
    return slot;
  }

  #release(name: string): void {
    const slot = this.#slots.get(name);
    if (slot === undefined) return;
    this.#slots.delete(name);
    this.#freeSlots.push(slot);
  }

  #execve({ candidates, args, env, init }: Execve): void {
    this.tape.own("execve", [stringArray(candidates), stringArray(args), stringArray(env), init ? 1 : 0]);
  }

  #ioctl(operation: NetworkIoctl | TtyIoctl): void {
    const options = this.#options(operation);
    const fd = this.#resolve(operation.fd);
    if (operation.request === "SIOCSIFADDR6" || operation.request === "SIOCADDRT6") {
      this.#ioctl6(operation, fd, options);
      return;
    }
    this.tape.call("ioctl", [fd, struct.ioctlRequest[operation.request], ioctlArgument(operation)], options);
  }

  /** IPv6 requests want the interface's index: asked for, copied into the struct, used. */
  #ioctl6(
    operation: Extract<NetworkIoctl, { request: "SIOCSIFADDR6" | "SIOCADDRT6" }>,
    fd: TapeArgument,
    options: TapeOptions,
  ): void {
    const index = struct.interfaceRequest(operation.interface);
    const isAddress = operation.request === "SIOCSIFADDR6";
    const data = isAddress
      ? struct.interfaceAddress6(parseInet6(operation.address), operation.prefix)
      : struct.defaultRoute6(parseInet6(operation.gateway));
    const at = isAddress ? struct.in6IfreqIndex : struct.in6RtmsgIndex;
    const request = isAddress ? struct.ioctlRequest.SIOCSIFADDR : struct.ioctlRequest.SIOCADDRT;
    this.tape.call("ioctl", [fd, struct.ioctlRequest.SIOCGIFINDEX, index]);
    this.tape.own("copy", [index, data, 4, struct.ifreqUnion, at]);
    this.tape.call("ioctl", [fd, request, data], options);
  }
}

function ioctlArgument(
  operation: TtyIoctl | Exclude<NetworkIoctl, { request: "SIOCSIFADDR6" | "SIOCADDRT6" }>,
): TapeData | number {
  switch (operation.request) {
    case "TIOCSCTTY":
      return 0;
    case "SIOCSIFFLAGS":
      return struct.interfaceFlagsRequest(operation.interface, bits(interfaceFlags, operation.flags));
    case "SIOCSIFMTU":
      return struct.interfaceMtuRequest(operation.interface, operation.mtu);
    case "SIOCSIFHWADDR":
      return struct.interfaceHardwareRequest(operation.interface, parseHardwareAddress(operation.mac));
    case "SIOCADDRT":
      return struct.defaultRoute(parseInet(operation.gateway));
    case "SIOCSIFADDR":
    case "SIOCSIFNETMASK":
      return struct.interfaceAddressRequest(operation.interface, parseInet(operation.address));
  }
}

function utf8Length(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

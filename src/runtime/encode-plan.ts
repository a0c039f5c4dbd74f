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
  addressFamilies,
  atFlags,
  cloneFlags,
  closeRangeFlags,
  FD_CLOEXEC,
  type FlagTable,
  fcntlCommands,
  flagBits,
  fsconfigCommands,
  fsmountFlags,
  fsopenFlags,
  interfaceFlags,
  ioClasses,
  memoryPolicies,
  memoryPolicyFlags,
  mountAttributes,
  mountFlags,
  moveMountFlags,
  openFlags,
  openTreeFlags,
  personalities,
  prctlOptions,
  resolveFlags,
  schedulerFlags,
  schedulerPolicies,
  seccompFlags,
  socketTypes,
  umountFlags,
} from "../../ffi/flags.ts";
import { parseHardwareAddress, parseInet, parseInet6 } from "../../ffi/inet-address.ts";
import * as struct from "../../ffi/kernel-struct.ts";
import { mountAttrBytes } from "../../ffi/mount.ts";
import {
  statusKind,
  type TapeArgument,
  type TapeData,
  type TapeOptions,
  TapeWriter,
  tapeSlots,
  verifiedFact,
} from "../../ffi/tape.ts";
import type { Fcntl, Mknodat, Openat2, Write } from "../launch/file-operation.ts";
import type { Fsconfig, Mount, MountSetattr } from "../launch/mount-operation.ts";
import type { NetworkIoctl, Socket, TtyIoctl } from "../launch/network-operation.ts";
import type { Fd } from "../launch/operation.ts";
import type { LaunchOperation, LaunchPlan } from "../launch/plan.ts";
import type {
  Capset,
  Execve,
  IoprioSet,
  Personality,
  Prctl,
  Prlimit,
  Report,
  SchedSetaffinity,
  SchedSetattr,
  Seccomp,
  Setgroups,
  Sethostname,
  SetMempolicy,
} from "../launch/process-operation.ts";

export interface EncodedPlan {
  readonly tape: Uint8Array;
  /** For each operation on tape, the index of the plan's operation it belongs to. */
  readonly owners: readonly number[];
}

/** The first descriptor behind the standard ones. */
const firstInheritedFd = 3;

/** Puts a plan on tape. Throws RangeError for what no tape can hold: a NUL byte in an argument, too many mounts. */
export function encodePlan(plan: LaunchPlan): EncodedPlan {
  const encoder = new PlanEncoder(plan.inherits);
  for (const [index, operation] of plan.operations.entries()) encoder.encode(operation, index);
  return { tape: encoder.tape.finish(), owners: encoder.owners };
}

type SyscallOperation = Exclude<LaunchOperation, { call: OwnCall | "ioctl" }>;
type OwnCall =
  | "fork"
  | "wait"
  | "verify-cwd"
  | "verify-fd"
  | "report"
  | "rewire"
  | "find"
  | "drop-bounding"
  | "execve";

/**
 * How an argument is found: a field of the operation (a number, a string, NULL, a descriptor); flags in a field and the
 * table of their names; a number that is always the same; or a struct made of the operation.
 */
type Argument =
  | string
  | number
  | readonly [field: string, flags: FlagTable]
  | ((operation: never, inherited: readonly string[]) => TapeArgument);

const { SOCK_DGRAM, SOCK_CLOEXEC } = socketTypes;
const openTreeOrAt = { ...openTreeFlags, ...atFlags };
const bits = flagBits;

/** The kernel's argument order, per call. A table, not code: encoding runs once, cold, and code is slow then. */
const signatures: Readonly<Record<SyscallOperation["call"], readonly Argument[]>> = {
  setns: ["fd", ["types", cloneFlags]],
  unshare: [["flags", cloneFlags]],
  setsid: [],
  prctl: [(op: Prctl) => prctlOptions[op.option], "argument", "argument3", 0, 0],
  prlimit64: [0, "resource", (op: Prlimit) => struct.rlimit64(op.soft, op.hard), 0],
  umask: ["mask"],
  sethostname: ["name", (op: Sethostname) => Buffer.byteLength(op.name)],
  setdomainname: ["name", (op: Sethostname) => Buffer.byteLength(op.name)],
  openat: ["dirfd", "path", ["flags", openFlags], "mode"],
  openat2: ["dirfd", "path", openHowOf, openHowBytes],
  close: ["fd"],
  fcntl: [
    "fd",
    (op: Fcntl) => fcntlCommands[op.command],
    (op: Fcntl) => (op.argument === "FD_CLOEXEC" ? FD_CLOEXEC : op.argument),
  ],
  dup3: ["fd", "to", 0],
  mkdirat: ["dirfd", "path", "mode"],
  mknodat: ["dirfd", "path", "mode", (op: Mknodat) => makedev(op)],
  symlinkat: ["target", "dirfd", "path"],
  fchownat: ["dirfd", "path", "uid", "gid", ["flags", atFlags]],
  write: ["fd", "text", (op: Write) => Buffer.byteLength(op.text)],
  mount: [
    "source",
    "target",
    "fsType",
    ["flags", mountFlags],
    (op: Mount) => (op.data === "" ? null : op.data),
  ],
  umount2: ["target", ["flags", umountFlags]],
  fsopen: ["fsType", fsopenFlags.FSOPEN_CLOEXEC],
  fsconfig: ["fd", (op: Fsconfig) => fsconfigCommands[op.command], "key", "value", 0],
  fsmount: ["fd", fsmountFlags.FSMOUNT_CLOEXEC, ["attributes", mountAttributes]],
  open_tree: ["dirfd", "path", ["flags", openTreeOrAt]],
  move_mount: ["fromFd", "from", "toFd", "to", ["flags", moveMountFlags]],
  mount_setattr: ["dirfd", "path", ["flags", atFlags], mountAttrOf, mountAttrBytes],
  pivot_root: ["newRoot", "putOld"],
  chroot: ["path"],
  fchdir: ["fd"],
  chdir: ["path"],
  socket: [(op: Socket) => addressFamilies[op.family], SOCK_DGRAM | SOCK_CLOEXEC, 0],
  setgroups: [(op: Setgroups) => op.gids.length, (op: Setgroups) => struct.groupList(op.gids)],
  setresgid: ["id", "id", "id"],
  setresuid: ["id", "id", "id"],
  capset: [
    struct.capabilityHeader,
    (op: Capset) => struct.capabilityData(op.effective, op.permitted, op.inheritable),
  ],
  seccomp: [
    struct.SECCOMP_SET_MODE_FILTER,
    ["flags", seccompFlags],
    (op: Seccomp) => struct.filterProgram(op.filter),
  ],
  personality: [(op: Personality) => personalities[op.domain]],
  sched_setattr: [0, schedAttrOf, 0],
  sched_setaffinity: [
    0,
    (op: SchedSetaffinity) => struct.cpuSet(op.cpus).bytes.length,
    (op: SchedSetaffinity) => struct.cpuSet(op.cpus),
  ],
  set_mempolicy: [
    (op: SetMempolicy) => memoryPolicies[op.mode] | bits(memoryPolicyFlags, op.flags),
    (op: SetMempolicy) => (op.nodes.length === 0 ? 0 : struct.cpuSet(op.nodes)),
    // The kernel counts one bit less than it is told.
    (op: SetMempolicy) => (op.nodes.length === 0 ? 0 : struct.cpuSet(op.nodes).bytes.length * 8 + 1),
  ],
  ioprio_set: [
    struct.IOPRIO_WHO_PROCESS,
    0,
    (op: IoprioSet) => struct.ioPriority(ioClasses[op.class], op.priority),
  ],
  keyctl: [struct.KEYCTL_JOIN_SESSION_KEYRING, "name"],
  close_range: ["first", 0xffff_ffff, ["flags", closeRangeFlags]],
};

function openHowOf(op: Openat2): TapeData {
  return struct.openHow(bits(openFlags, op.flags), bits(resolveFlags, op.resolve));
}

function mountAttrOf(op: MountSetattr, inherited: readonly string[]): TapeData {
  const propagation = bits(mountFlags, op.propagation);
  const userNamespace =
    op.userNamespace === undefined ? 0 : firstInheritedFd + inherited.indexOf(op.userNamespace);
  const [set, clear] = [bits(mountAttributes, op.set), bits(mountAttributes, op.clear)];
  return struct.mountAttr(set, clear, propagation, userNamespace);
}

function schedAttrOf(op: SchedSetattr): TapeData {
  return struct.schedAttr({
    ...op,
    policy: schedulerPolicies[op.policy],
    flags: bits(schedulerFlags, op.flags),
  });
}

const descriptorFields: ReadonlySet<string> = new Set(["fd", "dirfd", "fromFd", "toFd"]);

class PlanEncoder {
  readonly tape = new TapeWriter();
  readonly owners: number[] = [];
  readonly #inherited: readonly string[];
  readonly #slots = new Map<string, number>();
  readonly #errnos = new Map<string, number>();
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
        this.tape.own(operation.call);
        break;
      case "report":
        this.#report(operation);
        break;
      case "rewire":
        this.tape.own("rewire", [this.#resolve(operation.status), this.#resolve(operation.go)]);
        break;
      case "find":
        this.tape.own("find", [this.tape.strings(operation.candidates)]);
        break;
      case "verify-cwd":
        this.tape.own("verifyCwd");
        break;
      case "verify-fd":
        this.tape.own("verifyFd", [this.#resolve(operation.fd), verifiedFact[operation.fact]]);
        break;
      case "drop-bounding":
        this.tape.own("drop", [struct.wordOf(operation.capabilities)]);
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
    const fields = operation as unknown as Readonly<Record<string, unknown>>;
    const args: TapeArgument[] = [];
    for (const argument of signatures[operation.call]) {
      if (typeof argument === "string") {
        const value = fields[argument];
        args.push(
          descriptorFields.has(argument) ? this.#resolve(value as Fd) : ((value ?? null) as TapeArgument),
        );
      } else if (typeof argument === "number") args.push(argument);
      else if (typeof argument === "function") args.push(argument(operation as never, this.#inherited));
      else args.push(bits(argument[1], fields[argument[0]] as readonly string[]));
    }
    this.tape.call(operation.call, args, this.#options(operation));
    if (operation.call === "close" && typeof operation.fd === "string") this.#release(operation.fd);
  }

  #options(operation: SyscallOperation | NetworkIoctl | TtyIoctl): TapeOptions {
    const ignore = operation.ignore?.map((name) => this.#errno(name));
    const keep =
      "keep" in operation && operation.keep !== undefined ? this.#reserve(operation.keep) : undefined;
    const unless =
      "unless" in operation && operation.unless !== undefined ? this.#slotOf(operation.unless) : undefined;
    return { ignore, keep, unless };
  }

  #errno(name: string): number {
    const known = this.#errnos.get(name);
    if (known !== undefined) return known;
    const number = errnoNumber(name);
    this.#errnos.set(name, number);
    return number;
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
    if (slot >= tapeSlots)
      throw new RangeError(`a launch plan holds more than ${tapeSlots} descriptors at once`);
    this.#slots.set(name, slot);
    return slot;
  }

  #release(name: string): void {
    const slot = this.#slots.get(name);
    if (slot === undefined) return;
    this.#slots.delete(name);
    this.#freeSlots.push(slot);
  }

  #report({ reached, detail }: Report): void {
    const kind = reached === undefined ? statusKind.ready : statusKind.reached;
    this.tape.own("report", detail === undefined ? [kind] : [kind, this.#resolve(detail)]);
  }

  /** Init takes these as offsets in the blob and adds its address itself. */
  #execve({ candidates, args, env, init }: Execve): void {
    const arrays = [candidates, args, env].map((texts) => this.tape.strings(texts));
    this.tape.own("execve", [...arrays, init ? 1 : 0]);
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

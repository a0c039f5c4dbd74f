/**
 * bpf(2): loading programs, and attaching those that control devices to a cgroup v2. Programs that steer packets are
 * socket-lookup.ts's.
 *
 * Device programs are made by src/security/device-program.ts. Needs CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN.
 */
import { ptr } from "bun:ffi";
import { cString, syscall, trySyscall } from "./libc.ts";
import { SyscallError } from "./syscall-error.ts";

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH_COMMAND = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
/** Several programs may be attached, all must allow. */
const BPF_F_ALLOW_MULTI = 2;

/**
 * The union bpf_attr, as BPF_PROG_LOAD uses it: u32 prog_type @0, u32 insn_cnt @4, u64 insns @8, u64 license @16,
 * u32 log_level @24, u32 log_size @28, u64 log_buf @32, u32 kern_version @40, u32 prog_flags @44, name[16] @48,
 * u32 prog_ifindex @64, u32 expected_attach_type @68; 72 bytes used. Older kernels take the longer one, its end being 0.
 */
export const bpfLoadAttrBytes = 72;
/** As BPF_PROG_ATTACH uses it: u32 target_fd @0, u32 attach_bpf_fd @4, u32 attach_type @8, u32 attach_flags @12. */
export const bpfAttachAttrBytes = 16;

const instructionBytes = 8;

/** BPF_PROG_LOAD of a BPF_PROG_TYPE_CGROUP_DEVICE program; see loadProgram. */
export function loadDeviceProgram(program: Uint8Array): number {
  return loadProgram({ type: BPF_PROG_TYPE_CGROUP_DEVICE, attachType: 0 }, program);
}

/** enum bpf_prog_type and enum bpf_attach_type of linux/bpf.h. */
export interface BpfProgramKind {
  readonly type: number;
  readonly attachType: number;
}

/**
 * BPF_PROG_LOAD (struct bpf_insn[]). Returns the program's descriptor, close-on-exec; the caller owns it, and may close it
 * once it is attached. A refused program's error ends with the verifier's words.
 */
export function loadProgram(kind: BpfProgramKind, program: Uint8Array): number {
  const fd = tryLoad(kind, program, new Uint8Array(0));
  if (fd >= 0) return fd;
  const log = new Uint8Array(64 * 1024);
  const again = tryLoad(kind, program, log);
  if (again >= 0) return again;
  const words = new TextDecoder()
    .decode(log.subarray(0, log.indexOf(0)))
    .trim()
    .split("\n")
    .slice(-3)
    .join("; ");
  throw new SyscallError(
    "bpf",
    -again,
    `BPF_PROG_LOAD, ${program.byteLength / instructionBytes} instructions, "${words}"`,
  );
}

/** BPF_PROG_ATTACH of a device program to a cgroup v2 directory, beside any others. */
export function attachDeviceProgram(programFd: number, cgroupFd: number): void {
  const attr = new Uint8Array(bpfAttachAttrBytes);
  const view = new DataView(attr.buffer);
  view.setUint32(0, cgroupFd, true);
  view.setUint32(4, programFd, true);
  view.setUint32(8, BPF_CGROUP_DEVICE, true);
  view.setUint32(12, BPF_F_ALLOW_MULTI, true);
  syscall(
    "bpf",
    [BPF_PROG_ATTACH_COMMAND, attr, attr.byteLength],
    () => `BPF_PROG_ATTACH, ${cgroupFd}, ${programFd}`,
  );
}

/** The descriptor, or a negative errno. The three buffers stay reachable until the call is over. */
function tryLoad(kind: BpfProgramKind, program: Uint8Array, log: Uint8Array): number {
  const attr = new Uint8Array(bpfLoadAttrBytes);
  const view = new DataView(attr.buffer);
  const license = cString("MIT");
  view.setUint32(0, kind.type, true);
  view.setUint32(4, program.byteLength / instructionBytes, true);
  view.setBigUint64(8, BigInt(ptr(program)), true);
  view.setBigUint64(16, BigInt(ptr(license)), true);
  view.setUint32(68, kind.attachType, true);
  if (log.byteLength > 0) {
    view.setUint32(24, 1, true);
    view.setUint32(28, log.byteLength, true);
    view.setBigUint64(32, BigInt(ptr(log)), true);
  }
  const result = trySyscall("bpf", [BPF_PROG_LOAD, attr, attr.byteLength]);
  return license.byteLength > 0 ? result : -1;
}

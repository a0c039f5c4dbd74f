/**
 * What a filter has to know of each ABI: the audit word in seccomp_data, and system call numbers by name.
 *
 * Pure; the tables are unpacked once, on first use. See seccomp(2) and include/uapi/linux/audit.h.
 */
import type { SeccompArch } from "./seccomp-rule.ts";
import { syscallRuns } from "./syscall-table.ts";

export type SeccompAbi = "x86_64" | "x86" | "x32" | "aarch64" | "arm";

/** AUDIT_ARCH_*: what seccomp_data.arch holds. x32 shares x86-64's and marks its numbers. */
export const auditArch: Readonly<Record<SeccompAbi, number>> = {
  x86_64: 0xc000_003e,
  x32: 0xc000_003e,
  x86: 0x4000_0003,
  aarch64: 0xc000_00b7,
  arm: 0x4000_0028,
};

/** __X32_SYSCALL_BIT. */
export const x32Bit = 0x4000_0000;

/** ARM's private calls (breakpoint, set_tls …) start here, far above the table. */
export const armPrivateStart = 0x0f_0000;

/** The runtime spec's word for an ABI. */
export const abiOfArchitecture: Readonly<Record<string, SeccompAbi>> = {
  SCMP_ARCH_X86_64: "x86_64",
  SCMP_ARCH_X86: "x86",
  SCMP_ARCH_X32: "x32",
  SCMP_ARCH_AARCH64: "aarch64",
  SCMP_ARCH_ARM: "arm",
};

/** ABIs a process can use on this machine, its own first. */
export const abisOf: Readonly<Record<SeccompArch, readonly SeccompAbi[]>> = {
  x86_64: ["x86_64", "x86", "x32"],
  aarch64: ["aarch64", "arm"],
};

const tables = new Map<SeccompAbi, ReadonlyMap<string, number>>();

/** Numbers by name, x32's with their mark. */
export function syscallNumbers(abi: SeccompAbi): ReadonlyMap<string, number> {
  const known = tables.get(abi);
  if (known !== undefined) return known;
  const table = abi === "x32" ? x32Numbers() : unpackRuns(syscallRuns[abi], unpackRuns(syscallRuns.shared));
  tables.set(abi, table);
  return table;
}

function x32Numbers(): ReadonlyMap<string, number> {
  const numbers = new Map(syscallNumbers("x86_64"));
  for (const name of words(syscallRuns.x32Excluded)) numbers.delete(name);
  for (const [name, number] of unpackRuns(syscallRuns.x32Own)) numbers.set(name, number);
  for (const [name, number] of numbers) numbers.set(name, number + x32Bit);
  return numbers;
}

/** `0 read write 5 fstat` to read=0, write=1, fstat=5, added to what `into` holds. */
function unpackRuns(text: string, into = new Map<string, number>()): Map<string, number> {
  let next = 0;
  for (const word of words(text)) {
    const first = word.charCodeAt(0);
    if (first >= 0x30 && first <= 0x39) next = Number(word);
    else into.set(word, next++);
  }
  return into;
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** i386 packs these calls into socketcall(2); the value is the first argument's (linux/net.h). */
export const socketcallNumbers: Readonly<Record<string, number>> = {
  socket: 1,
  bind: 2,
  connect: 3,
  listen: 4,
  accept: 5,
  getsockname: 6,
  getpeername: 7,
  socketpair: 8,
  send: 9,
  recv: 10,
  sendto: 11,
  recvfrom: 12,
  shutdown: 13,
  setsockopt: 14,
  getsockopt: 15,
  sendmsg: 16,
  recvmsg: 17,
  accept4: 18,
  recvmmsg: 19,
  sendmmsg: 20,
};

/** The same for ipc(2) (linux/ipc.h); the upper half of the argument is a version. */
export const ipcNumbers: Readonly<Record<string, number>> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};

/**
 * A seccomp policy to the BPF program the kernel runs at every system call.
 *
 * Pure. One section an ABI; in it a binary search over call numbers, so that a call costs about ten instructions. As
 * libseccomp and runc decide: a rule without arguments beats those with, the first one given wins; calls newer than any
 * the policy names get ENOSYS, so that programs fall back; a foreign ABI kills.
 */
import { BockerError } from "../errors.ts";
import {
  abiOfArchitecture,
  abisOf,
  armPrivateStart,
  auditArch,
  ipcNumbers,
  type SeccompAbi,
  socketcallNumbers,
  syscallNumbers,
  x32Bit,
} from "./seccomp-abi.ts";
import {
  type BpfBlock,
  binarySearch,
  branchIfAtLeast,
  branchIfEqual,
  encodeProgram,
  load,
  maxInstructions,
  returns,
  type SearchSegment,
  seccompData,
  whenArgs,
} from "./seccomp-program.ts";
import type {
  SeccompAction,
  SeccompArch,
  SeccompArg,
  SeccompPolicy,
  SeccompSyscallRule,
} from "./seccomp-rule.ts";

/** SECCOMP_RET_*, linux/seccomp.h; the low 16 bits carry an errno or a tracer's message. */
const returnValues: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 0x0000_0000,
  SCMP_ACT_KILL_THREAD: 0x0000_0000,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_NOTIFY: 0x7fc0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
};

const eperm = 1;
const enosys = 38;
const killProcess = returns(returnValues.SCMP_ACT_KILL_PROCESS);

/**
 * The filter as struct sock_filter[], for SECCOMP_SET_MODE_FILTER. Names no table knows are left out, as runc does
 * (a profile may be newer); unknownSyscalls tells them. Errors: an architecture nobody has heard of, an action that
 * needs a listener, a program longer than the kernel takes.
 */
export function compileSeccomp(policy: SeccompPolicy, arch: SeccompArch): Uint8Array {
  checkNotify(policy);
  const [native, ...foreign] = listedAbis(policy, arch);
  const sections = foreign
    .filter((abi) => abi !== "x32")
    .map((abi) => branchIfEqual(auditArch[abi], abiSection(policy, abi)));
  const program = [
    load(seccompData.arch),
    ...branchIfEqual(auditArch[native], nativeSection(policy, native, foreign.includes("x32"))),
    ...sections.flat(),
    killProcess,
  ];
  if (program.length > maxInstructions) throw tooLong(program.length);
  return encodeProgram(program);
}

/** Names in the policy that are no system call of any known ABI: typing errors, or newer than the tables. */
export function unknownSyscalls(policy: SeccompPolicy): readonly string[] {
  const names = new Set((policy.syscalls ?? []).flatMap((rule) => rule.names));
  const abis = Object.keys(auditArch) as SeccompAbi[];
  return [...names].filter((name) => !abis.some((abi) => syscallNumbers(abi).has(name)));
}

/** The native ABI always, then the listed ones that this machine can run. */
function listedAbis(policy: SeccompPolicy, arch: SeccompArch): readonly [SeccompAbi, ...SeccompAbi[]] {
  const [native, ...others] = abisOf[arch] as readonly [SeccompAbi, ...SeccompAbi[]];
  const listed = (policy.architectures ?? []).map(abiOf);
  return [native, ...others.filter((abi) => listed.includes(abi))];
}

function abiOf(architecture: string): SeccompAbi | undefined {
  const abi = abiOfArchitecture[architecture];
  if (abi === undefined && !/^SCMP_ARCH_[A-Z0-9_]+$/.test(architecture)) {
    throw new BockerError(`invalid seccomp profile: unknown architecture "${architecture}"`, {
      kind: "invalid-config",
    });
  }
  return abi;
}

function nativeSection(policy: SeccompPolicy, abi: SeccompAbi, hasX32: boolean): BpfBlock {
  const own = abiSection(policy, abi);
  if (abi !== "x86_64") return own;
  const fallback = returns(defaultReturn(policy));
  // -1 is not x32 but a call that a tracer has cancelled.
  const x32 = hasX32 ? search(policy, "x32") : [...branchIfEqual(0xffff_ffff, [fallback]), killProcess];
  return [load(seccompData.nr), ...branchIfAtLeast(x32Bit, x32), ...search(policy, abi)];
}

function abiSection(policy: SeccompPolicy, abi: SeccompAbi): BpfBlock {
  return [load(seccompData.nr), ...search(policy, abi)];
}

/** What happens to one call number: tests in order, then a verdict. */
interface Verdict {
  readonly tests: { readonly args: readonly SeccompArg[]; readonly value: number }[];
  /** Set by the first rule without arguments. */
  value?: number;
}

/** Call numbers from `start` up to `end` (not in it) that share a fate. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly block: BpfBlock;
}

function search(policy: SeccompPolicy, abi: SeccompAbi): BpfBlock {
  const fallback = defaultReturn(policy);
  const spans: Span[] = [];
  for (const [number, verdict] of verdictsFor(policy, abi)) {
    spans.push({ start: number, end: number + 1, block: verdictBlock(verdict, fallback, argumentBits(abi)) });
  }
  spans.push(...newerSpans(policy, abi));
  spans.sort((a, b) => a.start - b.start);
  return binarySearch(toSegments(spans, [returns(fallback)]));
}

/** Fills the gaps between spans with the fallback and joins neighbours that return the same. */
function toSegments(spans: readonly Span[], fallback: BpfBlock): readonly SearchSegment[] {
  const segments: SearchSegment[] = [];
  const add = (start: number, block: BpfBlock): void => {
    const last = segments.at(-1)?.block;
    if (last?.length === 1 && block.length === 1 && last[0]?.k === block[0]?.k) return;
    segments.push({ start, block });
  };
  let next = 0;
  for (const span of spans) {
    if (span.start > next) add(next, fallback);
    add(span.start, span.block);
    next = span.end;
  }
  if (next <= 0xffff_ffff) add(next, fallback);
  return segments;
}

function argumentBits(abi: SeccompAbi): 32 | 64 {
  return abi === "x86" || abi === "arm" ? 32 : 64;
}

function verdictBlock(verdict: Verdict, fallback: number, bits: 32 | 64): BpfBlock {
  if (verdict.value !== undefined) return [returns(verdict.value)];
  return [
    ...verdict.tests.flatMap(({ args, value }) => whenArgs(args, [returns(value)], bits)),
    returns(fallback),
  ];
}

/** Decides by name, for the names that the ABI has. */
class Verdicts {
  readonly byNumber = new Map<number, Verdict>();
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(abi: SeccompAbi) {
    this.#numbers = syscallNumbers(abi);
  }

  decide(name: string, args: readonly SeccompArg[], value: number): void {
    const number = this.#numbers.get(name);
    if (number === undefined) return;
    let verdict = this.byNumber.get(number);
    if (verdict === undefined) {
      verdict = { tests: [] };
      this.byNumber.set(number, verdict);
    }
    if (args.length > 0) verdict.tests.push({ args, value });
    else verdict.value ??= value;
  }
}

function verdictsFor(policy: SeccompPolicy, abi: SeccompAbi): ReadonlyMap<number, Verdict> {
  const verdicts = new Verdicts(abi);
  const fallback = defaultReturn(policy);
  for (const rule of policy.syscalls ?? []) {
    const value = returnValue(rule.action, rule.errnoRet);
    if (value === fallback) continue;
    for (const args of alternatives(rule)) {
      for (const name of rule.names) verdicts.decide(name, args, value);
      if (abi === "x86" && args.length === 0) decideMultiplexed(verdicts, rule.names, value);
    }
  }
  return verdicts.byNumber;
}

/** i386 reaches the socket and System V calls through socketcall and ipc too. */
function decideMultiplexed(verdicts: Verdicts, names: readonly string[], value: number): void {
  for (const name of names) {
    const socket = socketcallNumbers[name];
    const ipc = ipcNumbers[name];
    if (socket !== undefined) {
      verdicts.decide("socketcall", [{ index: 0, value: socket, op: "SCMP_CMP_EQ" }], value);
    }
    if (ipc !== undefined) {
      verdicts.decide("ipc", [{ index: 0, value: 0xffff, valueTwo: ipc, op: "SCMP_CMP_MASKED_EQ" }], value);
    }
  }
}

/** The argument lists of which one must hold: one, or one a test when two are about the same argument. */
function alternatives(rule: SeccompSyscallRule): readonly (readonly SeccompArg[])[] {
  const args = rule.args ?? [];
  const distinct = new Set(args.map(({ index }) => index));
  return distinct.size === args.length ? [args] : args.map((arg) => [arg]);
}

/** Calls above all that the policy names answer ENOSYS, unless it lets unknown ones pass anyway. */
function newerSpans(policy: SeccompPolicy, abi: SeccompAbi): readonly Span[] {
  const denies = !["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"].includes(policy.defaultAction);
  const numbers = syscallNumbers(abi);
  const limit = abi === "arm" ? armPrivateStart : 2 ** 32;
  let newest = -1;
  for (const { names } of policy.syscalls ?? []) {
    for (const name of names) {
      const number = numbers.get(name) ?? -1;
      if (number > newest && number < limit) newest = number;
    }
  }
  if (!denies || newest === -1) return [];
  return [{ start: newest + 1, end: limit, block: [returns(returnValue("SCMP_ACT_ERRNO", enosys))] }];
}

function defaultReturn(policy: SeccompPolicy): number {
  return returnValue(policy.defaultAction, policy.defaultErrnoRet);
}

function returnValue(action: SeccompAction, errnoRet: number | undefined): number {
  const takesData = action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
  return (returnValues[action] | (takesData ? (errnoRet ?? eperm) & 0xffff : 0)) >>> 0;
}

/** Somebody has to listen; and who hands the listener over must not be stopped doing so: runc's two refusals. */
function checkNotify(policy: SeccompPolicy): void {
  const cannot = (reason: string, kind: "unsupported" | "invalid-config") =>
    new BockerError(`cannot compile seccomp profile: "SCMP_ACT_NOTIFY" ${reason}`, { kind });
  if (policy.defaultAction === "SCMP_ACT_NOTIFY")
    throw cannot("cannot be the default action", "invalid-config");
  const rules = (policy.syscalls ?? []).filter(({ action }) => action === "SCMP_ACT_NOTIFY");
  if (rules.length === 0) return;
  if (policy.listenerPath === undefined) throw cannot("needs a listener", "unsupported");
  if (rules.some(({ names }) => names.includes("write")))
    throw cannot('cannot be used for "write"', "invalid-config");
}

function tooLong(length: number): BockerError {
  return new BockerError(
    `cannot compile seccomp profile: ${length} instructions, the kernel takes ${maxInstructions}`,
    { kind: "invalid-config", hint: "name fewer argument conditions" },
  );
}

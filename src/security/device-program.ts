/**
 * Device rules to the eBPF program (BPF_PROG_TYPE_CGROUP_DEVICE) that stands for the device list on cgroup v2.
 *
 * Pure; loading and attaching is ffi/bpf.ts. The kernel asks the program at each open and mknod of a device; 1 allows.
 * Rules are tested last first, the first that matches decides. See bpf(2) and linux/bpf.h.
 */
import { type DeviceRule, isAny, matchesAll } from "./device-rule.ts";

/** struct bpf_cgroup_dev_ctx: access << 16 | type, major, minor, each 32 bits. */
const contextOffset = { accessType: 0, major: 4, minor: 8 } as const;

/** BPF_DEVCG_ACC_*. */
const accessBits: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const everyAccess = 7;
/** BPF_DEVCG_DEV_*. */
const deviceTypes = { b: 1, c: 2 } as const;

const register = { result: 0, context: 1, type: 2, access: 3, major: 4, minor: 5, scratch: 6 } as const;

const op = {
  loadWord: 0x61, // BPF_LDX | BPF_MEM | BPF_W
  moveRegister: 0xbf, // BPF_ALU64 | BPF_MOV | BPF_X
  moveValue: 0xb7, // BPF_ALU64 | BPF_MOV | BPF_K
  and: 0x54, // BPF_ALU | BPF_AND | BPF_K
  shiftRight: 0x74, // BPF_ALU | BPF_RSH | BPF_K
  jumpNotEqual: 0x55, // BPF_JMP | BPF_JNE | BPF_K
  jumpNotEqualRegister: 0x5d, // BPF_JMP | BPF_JNE | BPF_X
  exit: 0x95, // BPF_JMP | BPF_EXIT
} as const;

interface EbpfInstruction {
  readonly code: number;
  readonly destination: number;
  readonly source?: number;
  readonly offset?: number;
  readonly value?: number;
}

/** The program as struct bpf_insn[]. Without a rule that matches, access is denied. */
export function compileDeviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const last = rules.findLastIndex(matchesAll);
  // What stands before a rule about everything can't matter, and the verifier refuses unreachable instructions.
  const relevant = rules.slice(last + 1).reverse();
  const program = [...prologue(), ...relevant.flatMap(ruleBlock), ...verdict(rules[last]?.allow ?? false)];
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, destination, source = 0, offset = 0, value = 0 }, index) => {
    view.setUint8(index * 8, code);
    view.setUint8(index * 8 + 1, (source << 4) | destination);
    view.setInt16(index * 8 + 2, offset, true);
    view.setInt32(index * 8 + 4, value, true);
  });
  return bytes;
}

/** Splits the context into registers. */
function prologue(): readonly EbpfInstruction[] {
  const { context, type, access, major, minor } = register;
  return [
    { code: op.loadWord, destination: type, source: context, offset: contextOffset.accessType },
    { code: op.moveRegister, destination: access, source: type },
    { code: op.and, destination: type, value: 0xffff },
    { code: op.shiftRight, destination: access, value: 16 },
    { code: op.loadWord, destination: major, source: context, offset: contextOffset.major },
    { code: op.loadWord, destination: minor, source: context, offset: contextOffset.minor },
  ];
}

/** Tests that jump over the verdict when they fail. */
function ruleBlock(rule: DeviceRule): readonly EbpfInstruction[] {
  const tests = [...typeTest(rule), ...accessTest(rule), ...numberTests(rule)];
  const block = [...tests, ...verdict(rule.allow)];
  return block.map((instruction, index) =>
    isTest(instruction) ? { ...instruction, offset: block.length - index - 1 } : instruction,
  );
}

function typeTest(rule: DeviceRule): readonly EbpfInstruction[] {
  const type = rule.type ?? "a";
  if (type === "a") return [];
  return [{ code: op.jumpNotEqual, destination: register.type, value: deviceTypes[type] }];
}

/** All that is asked for must be in the rule: `(asked & rule) != asked` skips. */
function accessTest(rule: DeviceRule): readonly EbpfInstruction[] {
  const bits = [...(rule.access ?? "rwm")].reduce((sum, letter) => sum | (accessBits[letter] ?? 0), 0);
  if (bits === everyAccess) return [];
  const { scratch, access } = register;
  return [
    { code: op.moveRegister, destination: scratch, source: access },
    { code: op.and, destination: scratch, value: bits },
    { code: op.jumpNotEqualRegister, destination: scratch, source: access },
  ];
}

function numberTests(rule: DeviceRule): readonly EbpfInstruction[] {
  const test = (destination: number, value: number | undefined): readonly EbpfInstruction[] =>
    value === undefined || isAny(value) ? [] : [{ code: op.jumpNotEqual, destination, value }];
  return [...test(register.major, rule.major), ...test(register.minor, rule.minor)];
}

function isTest({ code }: EbpfInstruction): boolean {
  return code === op.jumpNotEqual || code === op.jumpNotEqualRegister;
}

function verdict(allow: boolean): readonly EbpfInstruction[] {
  return [
    { code: op.moveValue, destination: register.result, value: allow ? 1 : 0 },
    { code: op.exit, destination: 0 },
  ];
}

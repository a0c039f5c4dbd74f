/**
 * Classic BPF as seccomp runs it: instructions, and the two shapes a filter is made of: a binary search over system
 * call numbers, and a chain of argument tests.
 *
 * Pure. Conditional jumps reach 255 instructions; where a branch is longer an unconditional one (32 bits) is put
 * between. See bpf(4) of the BSDs, Documentation/networking/filter.rst and seccomp(2).
 */
import type { SeccompArg } from "./seccomp-rule.ts";

/** struct sock_filter: code u16, jt u8, jf u8, k u32. */
export interface BpfInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export type BpfBlock = readonly BpfInstruction[];

/** A run of numbers from `start` up to the next segment's, and what decides their fate: a block that returns. */
export interface SearchSegment {
  readonly start: number;
  readonly block: BpfBlock;
}

/** Offsets in struct seccomp_data (linux/seccomp.h); arguments are little-endian 64-bit words from 16 on. */
export const seccompData = { nr: 0, arch: 4, args: 16 } as const;

const opLoad = 0x20; // BPF_LD | BPF_W | BPF_ABS
const opJumpAlways = 0x05; // BPF_JMP | BPF_JA
const opJumpEqual = 0x15;
const opJumpGreater = 0x25;
const opJumpGreaterEqual = 0x35;
const opAnd = 0x54; // BPF_ALU | BPF_AND | BPF_K
const opReturn = 0x06; // BPF_RET | BPF_K

/** The kernel takes no longer programs. */
export const maxInstructions = 4096;

export function load(offset: number): BpfInstruction {
  return { code: opLoad, jt: 0, jf: 0, k: offset };
}

export function returns(value: number): BpfInstruction {
  return { code: opReturn, jt: 0, jf: 0, k: value >>> 0 };
}

/** `whenEqual` (a block that returns) if A is the value, else on to what follows. */
export function branchIfEqual(value: number, whenEqual: BpfBlock): BpfBlock {
  return skipUnless(opJumpEqual, value, whenEqual);
}

/** The same for A ≥ value, unsigned. */
export function branchIfAtLeast(value: number, whenAtLeast: BpfBlock): BpfBlock {
  return skipUnless(opJumpGreaterEqual, value, whenAtLeast);
}

/** A jump taken runs into the block, one not taken goes over it. */
function skipUnless(code: number, value: number, block: BpfBlock): BpfBlock {
  if (block.length <= 255) return [{ code, jt: 0, jf: block.length, k: value >>> 0 }, ...block];
  return [{ code, jt: 1, jf: 0, k: value >>> 0 }, jumpOver(block.length), ...block];
}

function jumpOver(count: number): BpfInstruction {
  return { code: opJumpAlways, jt: 0, jf: 0, k: count };
}

/** Finds A's segment in log2(n) comparisons. Segments are sorted; what is below the first counts as the first. */
export function binarySearch(segments: readonly SearchSegment[]): BpfBlock {
  const reversed: BpfInstruction[] = [];
  appendSearch(reversed, segments, 0, segments.length);
  return reversed.reverse();
}

/** Last instruction first, so that a branch knows how far it has to jump when it is appended. */
function appendSearch(
  reversed: BpfInstruction[],
  segments: readonly SearchSegment[],
  first: number,
  end: number,
): void {
  const middle = first + Math.ceil((end - first) / 2);
  const segment = segments[end - first === 1 ? first : middle];
  if (segment === undefined) throw new RangeError("a search needs a segment");
  if (end - first === 1) {
    for (let index = segment.block.length - 1; index >= 0; index--) {
      const instruction = segment.block[index];
      if (instruction !== undefined) reversed.push(instruction);
    }
    return;
  }
  appendSearch(reversed, segments, middle, end);
  const upperEnd = reversed.length;
  appendSearch(reversed, segments, first, middle);
  const lower = reversed.length - upperEnd;
  const k = segment.start >>> 0;
  if (lower <= 255) {
    reversed.push({ code: opJumpGreaterEqual, jt: lower, jf: 0, k });
    return;
  }
  reversed.push(jumpOver(lower), { code: opJumpGreaterEqual, jt: 0, jf: 1, k });
}

/**
 * Runs `block` (which returns) if every test holds, else goes on after it. Overwrites A. An ABI whose registers have 32
 * bits has nothing in the upper halves: the lower ones are compared alone, of the values too, as libseccomp does.
 */
export function whenArgs(args: readonly SeccompArg[], block: BpfBlock, bits: 32 | 64 = 64): BpfBlock {
  const test = bits === 64 ? argTest : shortTest;
  return args.reduceRight<BpfBlock>((inner, arg) => test(arg, inner), block);
}

/** argTest for the lower half. */
function shortTest({ index, op, value, valueTwo }: SeccompArg, then: BpfBlock): BpfBlock {
  const low = load(seccompData.args + 8 * index);
  const wanted = Number(BigInt(value) & word);
  switch (op) {
    case "SCMP_CMP_EQ":
      return [low, ...skipUnless(opJumpEqual, wanted, then)];
    case "SCMP_CMP_NE":
      return [low, ...skipIf(opJumpEqual, wanted, then)];
    case "SCMP_CMP_GT":
      return [low, ...skipUnless(opJumpGreater, wanted, then)];
    case "SCMP_CMP_GE":
      return [low, ...skipUnless(opJumpGreaterEqual, wanted, then)];
    case "SCMP_CMP_LT":
      return [low, ...skipIf(opJumpGreaterEqual, wanted, then)];
    case "SCMP_CMP_LE":
      return [low, ...skipIf(opJumpGreater, wanted, then)];
    case "SCMP_CMP_MASKED_EQ":
      return [low, and(wanted), ...skipUnless(opJumpEqual, Number(masked(value, valueTwo) & word), then)];
  }
}

const word = 0xffff_ffffn;

/** One 64-bit comparison made of 32-bit ones, around what to do when it holds. */
function argTest(arg: SeccompArg, then: BpfBlock): BpfBlock {
  const value = BigInt.asUintN(64, BigInt(arg.value));
  const low = load(seccompData.args + 8 * arg.index);
  const high = load(seccompData.args + 8 * arg.index + 4);
  const test = { low, high, valueLow: Number(value & word), valueHigh: Number(value >> 32n), then };
  switch (arg.op) {
    case "SCMP_CMP_EQ":
      return [
        high,
        ...skipUnless(opJumpEqual, test.valueHigh, [low, ...skipUnless(opJumpEqual, test.valueLow, then)]),
      ];
    case "SCMP_CMP_NE":
      return unequal(test);
    case "SCMP_CMP_GT":
      return greater(test, opJumpGreater);
    case "SCMP_CMP_GE":
      return greater(test, opJumpGreaterEqual);
    case "SCMP_CMP_LT":
      return less(test, opJumpGreaterEqual);
    case "SCMP_CMP_LE":
      return less(test, opJumpGreater);
    case "SCMP_CMP_MASKED_EQ":
      return maskedEqual(test, masked(arg.value, arg.valueTwo));
  }
}

/** What is left of the wanted value: bits outside of the mask would match nothing, and count for nothing in libseccomp. */
function masked(mask: number | bigint, wanted: number | bigint = 0): bigint {
  return BigInt.asUintN(64, BigInt(mask) & BigInt(wanted));
}

interface WordTest {
  readonly low: BpfInstruction;
  readonly high: BpfInstruction;
  readonly valueLow: number;
  readonly valueHigh: number;
  readonly then: BpfBlock;
}

/** high ≠ → then; low ≠ → then. */
function unequal({ low, high, valueLow, valueHigh, then }: WordTest): BpfBlock {
  const lowTest: BpfBlock = [low, ...skipIf(opJumpEqual, valueLow, then)];
  return [high, { code: opJumpEqual, jt: 0, jf: lowTest.length - then.length, k: valueHigh }, ...lowTest];
}

/** high > → then; high = and low over (code says > or ≥) → then. */
function greater({ low, high, valueLow, valueHigh, then }: WordTest, code: number): BpfBlock {
  const lowTest: BpfBlock = [low, ...skipUnless(code, valueLow, then)];
  const toThen = lowTest.length - then.length;
  const equalTest = skipUnless(opJumpEqual, valueHigh, lowTest);
  const over = equalTest.length - lowTest.length + toThen;
  return [high, { code: opJumpGreater, jt: over, jf: 0, k: valueHigh }, ...equalTest];
}

/** high > → no; high < → then; low over → no; else then. */
function less({ low, high, valueLow, valueHigh, then }: WordTest, code: number): BpfBlock {
  const lowTest: BpfBlock = [low, ...skipIf(code, valueLow, then)];
  const equalTest = { code: opJumpEqual, jt: 0, jf: lowTest.length - then.length, k: valueHigh };
  return [high, ...skipIf(opJumpGreater, valueHigh, [equalTest, ...lowTest])];
}

function maskedEqual({ low, high, valueLow, valueHigh, then }: WordTest, wanted: bigint): BpfBlock {
  const lowTest = skipUnless(opJumpEqual, Number(wanted & word), then);
  const lowPart: BpfBlock = [low, and(valueLow), ...lowTest];
  return [high, and(valueHigh), ...skipUnless(opJumpEqual, Number(wanted >> 32n), lowPart)];
}

function and(mask: number): BpfInstruction {
  return { code: opAnd, jt: 0, jf: 0, k: mask };
}

/** A jump taken goes over the block, one not taken runs into it. */
function skipIf(code: number, value: number, block: BpfBlock): BpfBlock {
  if (block.length <= 255) return [{ code, jt: block.length, jf: 0, k: value >>> 0 }, ...block];
  return [{ code, jt: 0, jf: 1, k: value >>> 0 }, jumpOver(block.length), ...block];
}

/** The bytes of struct sock_filter[], little-endian as on every machine bocker runs on. */
export function encodeProgram(program: BpfBlock): Uint8Array {
  if (program.length > maxInstructions) {
    throw new RangeError(
      `a seccomp filter of ${program.length} instructions, the kernel takes ${maxInstructions}`,
    );
  }
  const words = new Uint32Array(program.length * 2);
  let at = 0;
  for (const { code, jt, jf, k } of program) {
    words[at++] = code | (jt << 16) | (jf << 24);
    words[at++] = k;
  }
  return new Uint8Array(words.buffer);
}

/**
 * Classic BPF as the kernel's seccomp runs it: what the compiler's programs are tested against.
 *
 * Independent of the compiler: decodes the bytes by linux/filter.h and checks what the kernel's verifier would (jumps stay
 * inside, every path returns).
 */

export interface SeccompCall {
  /** AUDIT_ARCH_*. */
  readonly arch: number;
  readonly nr: number;
  readonly args?: readonly bigint[];
}

interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export function decodeProgram(bytes: Uint8Array): readonly Instruction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / 8 }, (_, index) => ({
    code: view.getUint16(index * 8, true),
    jt: view.getUint8(index * 8 + 2),
    jf: view.getUint8(index * 8 + 3),
    k: view.getUint32(index * 8 + 4, true),
  }));
}

/** The kernel's checks (bpf_check_classic, seccomp_check_filter), as far as they are about this kind of program. */
export function verifyProgram(program: readonly Instruction[]): void {
  if (program.length === 0 || program.length > 4096) throw new Error(`${program.length} instructions`);
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    const rest = program.length - index - 1;
    const isJump = (code & 0x07) === 0x05;
    if (code === 0x05 && k >= rest) throw new Error(`jump out at ${index}`);
    if (isJump && code !== 0x05 && (jt >= rest || jf >= rest)) throw new Error(`branch out at ${index}`);
    if (code === 0x20 && (k % 4 !== 0 || k >= 64)) throw new Error(`load outside at ${index}`);
  }
  if (program.at(-1)?.code !== 0x06) throw new Error("does not end in a return");
}

const branches: Readonly<Record<number, (accumulator: number, k: number) => boolean>> = {
  21: (accumulator, k) => accumulator === k,
  37: (accumulator, k) => accumulator > k,
  53: (accumulator, k) => accumulator >= k,
};

/** The value the filter returns, and how many instructions that took. */
export function runProgram(
  program: readonly Instruction[],
  call: SeccompCall,
): { value: number; steps: number } {
  const data = seccompData(call);
  let accumulator = 0;
  let at = 0;
  for (let steps = 1; steps <= program.length; steps++) {
    const instruction = program[at];
    if (instruction === undefined) throw new Error(`ran off the end at ${at}`);
    const { code, jt, jf, k } = instruction;
    const branch = branches[code];
    at++;
    if (code === 0x06) return { value: k, steps };
    if (branch !== undefined) at += branch(accumulator, k) ? jt : jf;
    else if (code === 0x20) accumulator = data.getUint32(k, true);
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (code === 0x05) at += k;
    else throw new Error(`unknown instruction 0x${code.toString(16)} at ${at - 1}`);
  }
  throw new Error("a loop");
}

/** struct seccomp_data: nr @0, arch @4, instruction_pointer @8, args[6] @16. */
function seccompData({ arch, nr, args = [] }: SeccompCall): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, nr >>> 0, true);
  view.setUint32(4, arch >>> 0, true);
  for (const [index, value] of args.entries()) view.setBigUint64(16 + index * 8, value, true);
  return view;
}

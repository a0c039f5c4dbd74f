/**
 * libseccomp's own compiler on a policy of ours, for comparing: libseccomp-filter.c beside this file, made on first use.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SeccompAbi } from "../../src/security/seccomp-abi.ts";
import type { SeccompPolicy, SeccompSyscallRule } from "../../src/security/seccomp-rule.ts";

export const hasLibseccomp = existsSync("/usr/include/seccomp.h") && Bun.which("cc") !== null;

export interface PeerFilter {
  readonly program: Uint8Array;
  /** The highest call number any rule names, by ABI. */
  readonly newest: ReadonlyMap<SeccompAbi, number>;
  /** Names it is too old for: their rules are missing. */
  readonly unknown: ReadonlySet<string>;
}

export interface Libseccomp extends Disposable {
  /** `optimize`: 1 its default, 2 a binary tree. */
  compile(policy: SeccompPolicy, abis: readonly SeccompAbi[], optimize?: 1 | 2): PeerFilter;
}

/** enum scmp_compare. */
const operators = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
} as const;

const actions: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
};

/** Compiles the peer into a directory that disposing removes. */
export function openLibseccomp(): Libseccomp {
  const directory = mkdtempSync("/tmp/bocker-test-");
  const program = join(directory, "libseccomp-filter");
  const source = join(import.meta.dir, "libseccomp-filter.c");
  const made = Bun.spawnSync(["cc", "-O1", "-Wall", "-Werror", "-o", program, source, "-lseccomp"]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  return {
    compile(policy, abis, optimize = 1) {
      const { exitCode, stdout, stderr } = Bun.spawnSync([program, String(optimize)], {
        stdin: Buffer.from(textOf(policy, abis)),
      });
      const notes = stderr.toString();
      if (exitCode !== 0) throw new Error(notes);
      const newest = [...notes.matchAll(/^newest (\w+) (-?\d+)$/gm)];
      return {
        program: new Uint8Array(stdout),
        newest: new Map(newest.map(([, abi, number]) => [abi as SeccompAbi, Number(number)])),
        unknown: new Set([...notes.matchAll(/^unknown (\w+)$/gm)].map(([, name = ""]) => name)),
      };
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function textOf(policy: SeccompPolicy, abis: readonly SeccompAbi[]): string {
  const fallback = numberOf(policy.defaultAction, policy.defaultErrnoRet);
  // libseccomp takes no rule that says what the default says; runc leaves those out.
  const rules = (policy.syscalls ?? []).filter(
    ({ action, errnoRet }) => numberOf(action, errnoRet) !== fallback,
  );
  return [`default ${fallback}`, ...abis.map((abi) => `arch ${abi}`), ...rules.flatMap(ruleLines), ""].join(
    "\n",
  );
}

function ruleLines({ names, action, errnoRet, args = [] }: SeccompSyscallRule): readonly string[] {
  const conditions = args.map(
    ({ index, op, value, valueTwo = 0 }) => `${index} ${operators[op]} ${value} ${valueTwo}`,
  );
  return names.map((name) => ["rule", numberOf(action, errnoRet), name, ...conditions].join(" "));
}

function numberOf(action: string, errnoRet: number | undefined): number {
  const data = action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE" ? (errnoRet ?? 1) : 0;
  return ((actions[action] ?? 0) | data) >>> 0;
}

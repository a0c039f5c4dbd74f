/**
 * Finds a static busybox for an architecture: the builder's own, or Debian's package for another one.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ImageDefinition } from "./plan-entries.ts";

export type Architecture = "x86_64" | "arm64";

/** e_machine, elf(5): EM_X86_64 and EM_AARCH64. */
const elfMachine = { x86_64: 62, arm64: 183 } as const;
const PT_INTERP = 3;

/** The binary's bytes. Throws an Error that says what to install. */
export function findBusybox(definition: ImageDefinition, architecture: Architecture): Uint8Array {
  const given = process.env.BOCKER_BUSYBOX;
  if (given !== undefined) return checked(given, readFileSync(given), architecture);
  const native = architecture === (process.arch === "arm64" ? "arm64" : "x86_64");
  if (!native) return fetchForeign(definition, architecture);
  return checkedFirst(definition.binary, architecture, `install the package ${definition.package}`);
}

/** Paths of all applets (`bin/ash`), asked from the builder's own busybox. */
export function listApplets(definition: ImageDefinition): readonly string[] {
  const binary = definition.binary.find((path) => existsSync(path));
  if (binary === undefined) throw new Error(`no busybox here: install the package ${definition.package}`);
  return run([binary, "--list-full"])
    .split("\n")
    .filter((line) => line !== "");
}

function checkedFirst(paths: readonly string[], architecture: Architecture, advice: string): Uint8Array {
  for (const path of paths) {
    if (!existsSync(path)) continue;
    const bytes = readFileSync(path);
    if (problemOf(bytes, architecture) === undefined) return bytes;
  }
  throw new Error(`no static busybox for ${architecture} in ${paths.join(", ")}: ${advice}`);
}

function checked(path: string, bytes: Uint8Array, architecture: Architecture): Uint8Array {
  const problem = problemOf(bytes, architecture);
  if (problem !== undefined) throw new Error(`${path}: ${problem}`);
  return bytes;
}

/** Why it would not run alone in a container; elf(5), 64-bit little-endian. */
export function problemOf(bytes: Uint8Array, architecture: Architecture): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64 || view.getUint32(0) !== 0x7f454c46) return "not an ELF executable";
  if (view.getUint16(18, true) !== elfMachine[architecture]) return `not for ${architecture}`;
  const start = Number(view.getBigUint64(32, true));
  const entryBytes = view.getUint16(54, true);
  for (let index = 0; index < view.getUint16(56, true); index++) {
    if (view.getUint32(start + index * entryBytes, true) === PT_INTERP) return "not a static executable";
  }
  return undefined;
}

/** Downloads and unpacks the package with apt, in folders of its own: the system's package lists stay untouched. */
function fetchForeign(definition: ImageDefinition, architecture: Architecture): Uint8Array {
  const debian = architecture === "arm64" ? "arm64" : "amd64";
  const folder = mkdtempSync(join(tmpdir(), "bocker-busybox-"));
  try {
    for (const name of ["lists/partial", "cache/archives/partial", "root"])
      mkdirSync(join(folder, name), { recursive: true });
    const apt = [
      "apt-get",
      ...["-q", "-q", "-o", `APT::Architecture=${debian}`, "-o", `APT::Architectures=${debian}`],
      ...["-o", `Dir::State::lists=${folder}/lists`, "-o", `Dir::Cache=${folder}/cache`],
      ...["-o", "Dir::State::status=/dev/null", "-o", "APT::Sandbox::User=root"],
    ];
    run([...apt, "update"], folder);
    run([...apt, "download", `${definition.package}:${debian}`], folder);
    const archive = readdirSync(folder).find((name) => name.endsWith(".deb"));
    if (archive === undefined) throw new Error("apt-get download gave no package");
    run(["dpkg-deb", "-x", archive, "root"], folder);
    return checkedFirst(
      definition.binary.map((path) => join(folder, "root", path)),
      architecture,
      "strange package",
    );
  } catch (error) {
    throw new Error(
      `cannot get busybox for ${architecture}: ${error instanceof Error ? error.message : String(error)}; name a static ` +
        "binary with BOCKER_BUSYBOX=FILE, or build without the embedded image with BOCKER_BUSYBOX=none",
      { cause: error },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Output of a program; its last words as the Error when it fails. */
function run(argv: readonly string[], cwd = "/"): string {
  if (Bun.which(argv[0] ?? "") === null) throw new Error(`${argv[0]}: no such program`);
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], {
    cwd,
    stdin: "ignore",
    env: { ...process.env, LC_ALL: "C" },
  });
  if (exitCode === 0) return stdout.toString();
  throw new Error(stderr.toString().trim().split("\n").at(-1) || `${argv[0]} failed (exit code ${exitCode})`);
}

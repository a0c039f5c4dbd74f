/**
 * The file system that a test machine boots into: busybox, the executable under test, the host's programs that a case
 * needs, the libraries of both, and kernel modules. Nothing else: no init system, no package manager, no glibc tools.
 *
 * One uncompressed cpio archive (Documentation/driver-api/early-userspace/buffer-format.rst), made by busybox.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { repositoryRoot } from "../lib/source-tree.ts";
import type { GuestKernel } from "./machine.ts";

/** What the kernel loads by itself when bocker asks for an overlay, a bridge or a rule; with all that these need. */
const modules = [
  "overlay",
  "loop",
  "quota_v2",
  "bridge",
  "veth",
  "nf_tables",
  "nft_chain_nat",
  "nft_nat",
  "nft_masq",
  "nft_ct",
  "nft_redir",
  "nft_fib_inet",
  "nft_reject_inet",
];

/**
 * Writes the archive to `target`, with a tree in `stage` on the way. `programs` are names of the host's, or paths, and
 * are put into /bin.
 * Errors: a program or a module that the host does not have.
 */
export function makeInitramfs(
  target: string,
  stage: string,
  kernel: GuestKernel,
  bocker: string,
  programs: readonly string[],
): void {
  for (const directory of [
    "bin",
    "sbin",
    "lib",
    "lib64",
    "etc",
    "root",
    "proc",
    "sys",
    "dev",
    "run",
    "tmp",
  ]) {
    mkdirSync(join(stage, directory), { recursive: true });
  }
  mkdirSync(join(stage, "var/lib"), { recursive: true });
  addBusybox(stage);
  addProgram(stage, bocker, "bocker");
  for (const name of programs) {
    addProgram(stage, name.includes("/") ? name : which(name), basename(name));
  }
  addModules(stage, kernel);
  writeFileSync(join(stage, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(stage, "etc/group"), "root:x:0:\n");
  writeFileSync(join(stage, "etc/hosts"), "127.0.0.1 localhost\n");
  copyFileSync(join(repositoryRoot, "test/vm/guest-init.sh"), join(stage, "init"));
  must(["chmod", "755", join(stage, "init")]);
  must(["sh", "-c", 'cd "$0" && find . -mindepth 1 | busybox cpio -o -H newc -R 0:0 >"$1"', stage, target]);
}

function addBusybox(stage: string): void {
  copyFileSync(which("busybox"), join(stage, "bin/busybox"));
  for (const applet of must(["busybox", "--list"]).split("\n")) {
    if (applet !== "" && applet !== "busybox") symlinkSync("busybox", join(stage, "bin", applet));
  }
  // Where the kernel looks for it.
  symlinkSync("../bin/busybox", join(stage, "sbin/modprobe"));
}

/** A program and the libraries that its dynamic loader would take, at their own places. */
function addProgram(stage: string, path: string, name: string): void {
  const target = join(stage, "bin", name);
  must(["rm", "-f", target]);
  copyFileSync(path, target);
  // Fails for what is linked statically.
  const libraries = Bun.spawnSync(["ldd", path], { stderr: "ignore" }).stdout.toString();
  for (const [, library = ""] of libraries.matchAll(/(\/\S+) \(0x/g)) {
    const copy = join(stage, library);
    if (existsSync(copy)) continue;
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(library, copy);
  }
}

function addModules(stage: string, { moduleRoot, version }: GuestKernel): void {
  const from = join(moduleRoot, "lib/modules", version);
  const to = join(stage, "lib/modules", version);
  const needs = new Map(
    readFileSync(join(from, "modules.dep"), "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([file = "", list = ""]) => [file, list.split(" ").filter((word) => word !== "")]),
  );
  const byName = new Map([...needs.keys()].map((file) => [basename(file, ".ko"), file]));
  const wanted = modules.map((name) => byName.get(name) ?? name);
  for (const file of new Set(wanted.flatMap((file) => [file, ...(needs.get(file) ?? [])]))) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    copyFileSync(join(from, file), join(to, file));
  }
  for (const file of ["modules.order", "modules.builtin"]) copyFileSync(join(from, file), join(to, file));
  must(["busybox", "depmod", "-b", stage, version]);
}

function which(name: string): string {
  const path = Bun.which(name);
  if (path === null) throw new Error(`no program "${name}": run test/setup.sh`);
  return path;
}

/** Standard output of a command that must succeed. */
function must(argv: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], { stdout: "pipe", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: ${stderr.toString()}`);
  return stdout.toString();
}

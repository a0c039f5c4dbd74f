/**
 * A root file system with busybox and a way to run a command in it through plan, tape and init, for the launch tests.
 * Every container is waited for; what a test made is removed when its `using` ends.
 */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { close, closeQuietly, openat, pipe2, read } from "../../ffi/file.ts";
import { AT_FDCWD } from "../../ffi/flags.ts";
import type { StartContext } from "../../src/launch/context.ts";
import type { LaunchPlan } from "../../src/launch/plan.ts";
import { planStart } from "../../src/launch/plan-start.ts";
import { probeBindSources } from "../../src/runtime/bind-source.ts";
import { launchFacts } from "../../src/runtime/launch-facts.ts";
import { type StartedProcess, type StartOptions, startProcess } from "../../src/runtime/start-process.ts";
import { type ProcessExit, waitForExit } from "../../src/runtime/wait-for-exit.ts";
import { capabilitySetsFor, defaultCapabilities } from "../../src/security/capability.ts";
import type { Spec, SpecLinux, SpecMount, SpecProcess } from "../../src/spec/oci.ts";

export const isRoot = process.geteuid?.() === 0;

export interface TemporaryRootfs extends Disposable {
  readonly path: string;
  /** A directory outside the root file system, for volumes and sentinels. */
  readonly outside: string;
}

const applets =
  "sh cat ls id ps hostname ip tty sleep stty touch mkdir grep mount readlink echo env pwd ulimit wc kill stat head cut mknod uname ionice true".split(
    " ",
  );

/** A minimal root file system on disk. */
export function temporaryRootfs(): TemporaryRootfs {
  const base = mkdtempSync(join(tmpdir(), "bocker-launch-"));
  const path = join(base, "root");
  const outside = join(base, "outside");
  for (const directory of ["bin", "etc", "tmp", "proc", "sys", "dev"])
    mkdirSync(join(path, directory), { recursive: true });
  mkdirSync(outside);
  chmodSync(base, 0o755);
  copyFileSync("/bin/busybox", join(path, "bin/busybox"));
  for (const applet of applets) symlinkSync("busybox", join(path, "bin", applet));
  writeFileSync(join(path, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
  return { path, outside, [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }) };
}

export const defaultMounts: readonly SpecMount[] = [
  { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=1m"],
  },
];

export interface SpecChanges {
  readonly process?: Partial<SpecProcess>;
  readonly linux?: Partial<SpecLinux>;
  readonly mounts?: readonly SpecMount[];
  readonly root?: Spec["root"];
  readonly hostname?: string;
}

/** A Spec as docker's defaults have it, but for seccomp and cgroups. */
export function specFor(args: readonly string[], changes: SpecChanges = {}): Spec {
  const uid = changes.process?.user?.uid ?? 0;
  const { namespaces } = changes.linux ?? {};
  const hasUts = namespaces === undefined || namespaces.some(({ type }) => type === "uts");
  return {
    ociVersion: "1.2.0",
    ...(hasUts ? { hostname: changes.hostname ?? "box" } : {}),
    ...(changes.root === undefined ? {} : { root: changes.root }),
    process: {
      user: { uid: 0, gid: 0 },
      args,
      env: ["PATH=/bin:/usr/bin", "HOME=/"],
      cwd: "/",
      capabilities: capabilitySetsFor(defaultCapabilities, uid),
      ...changes.process,
    },
    mounts: [...defaultMounts, ...(changes.mounts ?? [])],
    linux: {
      namespaces: (["pid", "network", "ipc", "uts", "mount"] as const).map((type) => ({ type })),
      ...changes.linux,
    },
  };
}

/** The plan's facts on this machine, with a bind of `rootfs` as root. */
export function contextFor(rootfs: string, spec: Spec, changes: Partial<StartContext> = {}): StartContext {
  return {
    ...launchFacts(),
    rootfs: { kind: "directory", path: rootfs },
    bindSources: probeBindSources(spec),
    init: false,
    keyring: "_ses.test",
    chownStdio: [],
    dieWithParent: true,
    ...changes,
  };
}

export interface Output {
  readonly exit: ProcessExit;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningChild {
  readonly process: StartedProcess;
  /** Resolves when it has ended and its output is read. */
  readonly output: Promise<Output>;
}

/** Starts a plan with /dev/null as stdin and pipes as stdout and stderr. Output must stay below a pipe's 64 KiB. */
export async function startPlan(
  plan: LaunchPlan,
  options: Partial<StartOptions> = {},
): Promise<RunningChild> {
  const stdin = openat(AT_FDCWD, "/dev/null", 0);
  const stdout = pipe2();
  const stderr = pipe2();
  try {
    const process = await startProcess(plan, { stdio: [stdin, stdout[1], stderr[1]], ...options });
    return { process, output: collect(process, stdout[0], stderr[0]) };
  } catch (error) {
    closeQuietly(stdout[0], stderr[0]);
    throw error;
  } finally {
    closeQuietly(stdin, stdout[1], stderr[1]);
  }
}

async function collect(process: StartedProcess, stdout: number, stderr: number): Promise<Output> {
  const exit = await waitForExit(process);
  close(process.pidfd);
  return { exit, stdout: drain(stdout), stderr: drain(stderr) };
}

/** Everything in the pipe; closes it. */
export function drain(fd: number): string {
  const buffer = new Uint8Array(65536);
  let text = "";
  for (;;) {
    const got = read(fd, buffer);
    if (got === 0) break;
    text += new TextDecoder().decode(buffer.subarray(0, got));
  }
  close(fd);
  return text;
}

/** Runs a command to its end. */
export async function runIn(
  rootfs: TemporaryRootfs,
  args: readonly string[],
  changes: SpecChanges = {},
  context: Partial<StartContext> = {},
  options: Partial<StartOptions> = {},
): Promise<Output> {
  const spec = specFor(args, changes);
  const { output } = await startPlan(planStart(spec, contextFor(rootfs.path, spec, context)), options);
  return await output;
}

/** The error of a start that must fail. */
export async function failureOf(
  start: Promise<unknown>,
): Promise<Error & { exitCode?: number; hint?: string }> {
  try {
    await start;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("it should have failed");
}

/** Lines of the host's own mount table that name a path. */
export function hostMounts(path: string): readonly string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(path));
}

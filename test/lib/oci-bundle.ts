/**
 * An OCI bundle with busybox, a private state directory, and a caller for the runtime under test, by the name that
 * engines call it. Disposing ends its containers and fails the test when anything is left on the host.
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exampleSpec } from "../../src/oci/example-spec.ts";
import type { Spec, SpecLinux, SpecProcess } from "../../src/spec/oci.ts";
import { bockerBinary } from "./bocker-binary.ts";
import { leftovers, takeHostSnapshot } from "./host-snapshot.ts";
import { openTerminal, type TerminalSession } from "./terminal-session.ts";
import type { Outcome, RunOptions } from "./workspace.ts";

export const isRoot = process.geteuid?.() === 0;

const applets =
  "sh cat ls id ps sleep true false echo env pwd touch mkdir mount tty stty kill hostname wc grep".split(" ");

export interface SpecChange {
  readonly args?: readonly string[];
  readonly process?: Partial<SpecProcess>;
  readonly linux?: Partial<SpecLinux>;
  readonly spec?: Partial<Spec>;
}

export interface OciLab extends AsyncDisposable {
  readonly directory: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly stateRoot: string;
  /** The executable as `bocker-oci`. */
  readonly runtime: string;
  /** An id that no other test has; a cgroup of that name is looked for at the end. */
  readonly id: string;
  /** Writes the bundle's config.json: the example's, without a terminal, with these changes. */
  configure(change?: SpecChange): Spec;
  /** Writes any text as config.json. */
  writeConfig(text: string): void;
  run(...words: readonly string[]): Promise<Outcome>;
  runWith(options: RunOptions, ...words: readonly string[]): Promise<Outcome>;
  /** As run, but it must succeed; standard output, trimmed. */
  ok(...words: readonly string[]): Promise<string>;
  spawn(words: readonly string[], options?: RunOptions): Bun.Subprocess<"pipe", "pipe", "pipe">;
  terminal(...words: readonly string[]): TerminalSession;
  /** `state ID`, parsed; undefined: it does not exist. */
  // biome-ignore lint/suspicious/noExplicitAny: the specification's JSON, whose fields each test asserts.
  state(id?: string): Promise<any>;
  /** Waits until the container is in this state. */
  until(status: string, id?: string): Promise<void>;
  /** What is on the host now and was not before, the test's own directory aside. */
  left(): string[];
}

/** Makes directory, root file system and bundle. */
export function openOciLab(): OciLab {
  const binary = bockerBinary();
  const directory = mkdtempSync("/tmp/bocker-oci-test-");
  chmodSync(directory, 0o755);
  const [bundle, stateRoot] = [join(directory, "bundle"), join(directory, "state")];
  const rootfs = join(bundle, "rootfs");
  const runtime = join(directory, "bocker-oci");
  symlinkSync(binary, runtime);
  makeRootfs(rootfs);
  const id = `t${directory.slice(-6).replace(/\W/g, "x")}${process.pid}`;
  const marks = [directory, id];
  const before = takeHostSnapshot(marks);

  const environment = { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" };
  const spawn: OciLab["spawn"] = (words, options = {}) =>
    Bun.spawn([runtime, "--root", stateRoot, ...words], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...environment, ...options.env },
      cwd: options.cwd ?? bundle,
      timeout: options.timeoutMs ?? 30_000,
      killSignal: "SIGKILL",
    });
  let calls = 0;
  // Files and not pipes: a container that goes on has our streams, and a pipe would not end before it does.
  const runWith: OciLab["runWith"] = async (options, ...words) => {
    const [out, err] = ["out", "err"].map((name) => join(directory, `${++calls}.${name}`));
    if (out === undefined || err === undefined) throw new Error("two files");
    const child = Bun.spawn([runtime, "--root", stateRoot, ...words], {
      stdin: typeof options.stdin === "string" ? Buffer.from(options.stdin) : "ignore",
      stdout: Bun.file(out),
      stderr: Bun.file(err),
      env: { ...environment, ...options.env },
      cwd: options.cwd ?? bundle,
      timeout: options.timeoutMs ?? 20_000,
      killSignal: "SIGKILL",
    });
    const exitCode = await child.exited;
    const signal = child.signalCode === null ? null : String(child.signalCode);
    const [stdoutBytes, stderr] = await Promise.all([Bun.file(out).bytes(), Bun.file(err).text()]);
    return { exitCode, signal, stdout: new TextDecoder().decode(stdoutBytes), stderr, stdoutBytes };
  };
  const run: OciLab["run"] = (...words) => runWith({}, ...words);
  const state: OciLab["state"] = async (wanted = id) => {
    const { exitCode, stdout } = await run("state", wanted);
    return exitCode === 0 ? JSON.parse(stdout) : undefined;
  };
  const left = (): string[] =>
    leftovers(before, takeHostSnapshot(marks)).filter((line) => line !== `temporary ${directory}`);

  return {
    directory,
    bundle,
    rootfs,
    stateRoot,
    runtime,
    id,
    configure: (change) => writeSpec(bundle, change ?? {}),
    writeConfig: (text) => writeFileSync(join(bundle, "config.json"), text),
    run,
    runWith,
    ok: async (...words) => {
      const { exitCode, stdout, stderr } = await run(...words);
      if (exitCode !== 0) throw new Error(`bocker-oci ${words.join(" ")}: exit ${exitCode}: ${stderr}`);
      return stdout.trimEnd();
    },
    spawn,
    terminal: (...words) =>
      openTerminal([runtime, "--root", stateRoot, ...words], {
        env: { PATH: process.env.PATH ?? "", TERM: "xterm" },
        cwd: bundle,
      }),
    state,
    until: async (status, wanted) => {
      for (let tries = 0; tries < 400; tries++) {
        if ((await state(wanted))?.status === status) return;
        await Bun.sleep(10);
      }
      throw new Error(`container is ${(await state(wanted))?.status}, not ${status}`);
    },
    left,
    async [Symbol.asyncDispose]() {
      const ids = (await run("list", "-q")).stdout.split("\n").filter(Boolean);
      for (const each of ids) await run("delete", "--force", each);
      let remains = left();
      for (let tries = 0; remains.length > 0 && tries < 400; tries++) {
        await Bun.sleep(25);
        remains = left();
      }
      rmSync(directory, { recursive: true, force: true });
      if (remains.length > 0) throw new Error(`left on the host:\n  ${remains.join("\n  ")}`);
    },
  };
}

/** busybox, a few links to it, and the usual directories. */
export function makeRootfs(rootfs: string): void {
  for (const name of ["bin", "etc", "tmp", "proc", "sys", "dev", "root"]) {
    mkdirSync(join(rootfs, name), { recursive: true });
  }
  copyFileSync("/bin/busybox", join(rootfs, "bin/busybox"));
  for (const applet of applets) symlinkSync("busybox", join(rootfs, "bin", applet));
  writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(rootfs, "etc/group"), "root:x:0:\n");
}

function writeSpec(bundle: string, { args, process: changes, linux, spec: more }: SpecChange): Spec {
  const { process: example, linux: exampleLinux, ...rest } = exampleSpec(true);
  if (example === undefined) throw new Error("the example has a process");
  const spec: Spec = {
    ...rest,
    process: { ...example, terminal: false, args: args ?? ["sleep", "60"], ...changes },
    root: { path: "rootfs", readonly: false },
    linux: { ...exampleLinux, ...linux },
    ...more,
  };
  writeFileSync(join(bundle, "config.json"), JSON.stringify(spec));
  return spec;
}

/**
 * Other people's engines with private state, which start containers through bocker-oci: podman, containerd, docker and
 * buildah as Debian packages them. Their image is made here, of busybox; nothing is fetched.
 *
 * Each opener gives a caller that adds the engine's own global options. Disposing ends daemons and removes cgroups.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "./bocker-binary.ts";
import { makeRootfs } from "./oci-bundle.ts";
import { openTerminal, type TerminalSession } from "./terminal-session.ts";
import type { Outcome } from "./workspace.ts";

export const image = "localhost/bocker-test:latest";

export interface Engine extends AsyncDisposable {
  readonly directory: string;
  /** The runtime that it was given. */
  readonly runtime: string;
  run(...words: readonly string[]): Promise<Outcome>;
  /** It must succeed; standard output, trimmed. */
  ok(...words: readonly string[]): Promise<string>;
  terminal(...words: readonly string[]): TerminalSession;
}

interface Base {
  readonly directory: string;
  readonly runtime: string;
}

function openBase(): Base {
  const binary = bockerBinary();
  const directory = mkdtempSync("/tmp/bocker-engine-");
  const runtime = join(directory, "bocker-oci");
  symlinkSync(binary, runtime);
  makeRootfs(join(directory, "rootfs"));
  return { directory, runtime };
}

function engineOf(base: Base, argv: readonly string[], close: () => void | Promise<void>): Engine {
  const run: Engine["run"] = (...words) => outcome(base.directory, [...argv, ...words]);
  return {
    ...base,
    run,
    ok: async (...words) => {
      const { exitCode, stdout, stderr } = await run(...words);
      if (exitCode !== 0) throw new Error(`${words.join(" ")}: exit ${exitCode}: ${stderr}`);
      return stdout.trimEnd();
    },
    terminal: (...words) =>
      openTerminal([...argv, ...words], {
        env: { PATH: process.env.PATH ?? "", HOME: base.directory, TERM: "xterm" },
        cwd: base.directory,
      }),
    async [Symbol.asyncDispose]() {
      await close();
      rmSync(base.directory, { recursive: true, force: true });
    },
  };
}

let calls = 0;

/** Streams are files: containers that go on keep them. */
async function outcome(directory: string, argv: readonly string[], stdin?: Uint8Array): Promise<Outcome> {
  const name = join(directory, String(++calls));
  const child = Bun.spawn([...argv], {
    stdin: stdin ?? "ignore",
    stdout: Bun.file(`${name}.out`),
    stderr: Bun.file(`${name}.err`),
    cwd: directory,
    env: { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin", HOME: directory },
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  const exitCode = await child.exited;
  const [stdoutBytes, stderr] = await Promise.all([
    Bun.file(`${name}.out`).bytes(),
    Bun.file(`${name}.err`).text(),
  ]);
  const signal = child.signalCode === null ? null : String(child.signalCode);
  return { exitCode, signal, stdout: new TextDecoder().decode(stdoutBytes), stderr, stdoutBytes };
}

async function must(directory: string, argv: readonly string[], stdin?: Uint8Array): Promise<void> {
  const { exitCode, stderr } = await outcome(directory, argv, stdin);
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: exit ${exitCode}: ${stderr}`);
}

function rootfsTar(directory: string): Uint8Array {
  return Bun.spawnSync(["tar", "-C", join(directory, "rootfs"), "-c", "."]).stdout;
}

function podmanArgv(directory: string): readonly string[] {
  const storage = process.getuid?.() === 0 ? [`--root=${directory}/root`, `--runroot=${directory}/run`] : [];
  return [
    "podman",
    ...storage,
    `--tmpdir=${directory}/tmp`,
    "--cgroup-manager=cgroupfs",
    "--events-backend=file",
    "--log-level=error",
  ];
}

/** podman with its own store; nothing of it runs between commands. */
export async function openPodman(): Promise<Engine> {
  const base = openBase();
  const argv = [...podmanArgv(base.directory), `--runtime=${base.runtime}`];
  await must(base.directory, [...argv, "import", "-", image], rootfsTar(base.directory));
  return engineOf(base, argv, async () => {
    await outcome(base.directory, [...argv, "rm", "-fa", "-t", "0"]);
    await outcome(base.directory, [...argv, "system", "reset", "--force"]);
  });
}

/** buildah with its own store. */
export async function openBuildah(): Promise<Engine> {
  const base = openBase();
  const { directory } = base;
  const argv = ["buildah", `--root=${directory}/root`, `--runroot=${directory}/run`];
  return engineOf(base, argv, async () => {
    await outcome(directory, [...argv, "rm", "-a"]);
    await outcome(directory, [...argv, "rmi", "-a", "-f"]);
    detachMounts(directory);
  });
}

/** A containerd of our own, and ctr for it. */
export async function openContainerd(): Promise<Engine> {
  const base = openBase();
  const { directory } = base;
  const socket = join(directory, "c.sock");
  const daemon = startDaemon(directory, [
    "containerd",
    `--root=${directory}/root`,
    `--state=${directory}/state`,
    `--address=${socket}`,
  ]);
  const argv = ["ctr", "-a", socket];
  const engine = engineOf(base, argv, async () => {
    await endDaemon(daemon);
    detachMounts(directory);
  });
  try {
    await untilReady(directory, [...argv, "version"], daemon);
    await importWithPodman(directory);
    await engine.ok("image", "import", join(directory, "image.tar"));
    return engine;
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

/** A dockerd of our own whose default runtime is bocker-oci; in a mount and network namespace, so that neither is touched. */
export async function openDockerd(): Promise<Engine> {
  const base = openBase();
  const { directory, runtime } = base;
  const socket = `unix://${directory}/d.sock`;
  const parent = `/bocker-test-${directory.slice(-6)}`;
  const daemon = startDaemon(directory, [
    ...["unshare", "--mount", "--net", "dockerd"],
    ...[`--data-root=${directory}/data`, `--exec-root=${directory}/exec`, `--pidfile=${directory}/pid`],
    ...[`--host=${socket}`, "--bridge=none", "--iptables=false", `--cgroup-parent=${parent}`],
    ...[`--add-runtime=bocker=${runtime}`, "--default-runtime=bocker"],
  ]);
  const argv = ["docker", "-H", socket];
  const engine = engineOf(base, argv, async () => {
    const ids = (await outcome(directory, [...argv, "ps", "-aq"])).stdout.split("\n").filter(Boolean);
    if (ids.length > 0) await outcome(directory, [...argv, "rm", "-f", ...ids]);
    await endDaemon(daemon);
    removeCgroups(parent);
  });
  try {
    await untilReady(directory, [...argv, "version"], daemon);
    await must(directory, [...argv, "import", "-", image], rootfsTar(directory));
    return engine;
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

/** ctr imports archives only: podman packs one. */
async function importWithPodman(directory: string): Promise<void> {
  const argv = podmanArgv(join(directory, "podman"));
  mkdirSync(join(directory, "podman"));
  await must(directory, [...argv, "import", "-", image], rootfsTar(directory));
  await must(directory, [...argv, "save", "-o", join(directory, "image.tar"), image]);
  await outcome(directory, [...argv, "system", "reset", "--force"]);
}

function startDaemon(directory: string, argv: readonly string[]): Bun.Subprocess {
  const log = Bun.file(join(directory, "daemon.log"));
  return Bun.spawn([...argv], { stdin: "ignore", stdout: "ignore", stderr: log, cwd: directory });
}

async function endDaemon(daemon: Bun.Subprocess): Promise<void> {
  daemon.kill("SIGTERM");
  const patience = setTimeout(() => daemon.kill("SIGKILL"), 10_000);
  await daemon.exited;
  clearTimeout(patience);
}

async function untilReady(directory: string, argv: readonly string[], daemon: Bun.Subprocess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (daemon.exitCode !== null) {
      const log = await Bun.file(join(directory, "daemon.log")).text();
      throw new Error(`the daemon ended with ${daemon.exitCode}: ${log.slice(-2000)}`);
    }
    if ((await outcome(directory, argv)).exitCode === 0) return;
    await Bun.sleep(100);
  }
  throw new Error("the daemon does not answer");
}

function detachMounts(directory: string): void {
  const lines = Bun.spawnSync(["cat", "/proc/self/mounts"]).stdout.toString().split("\n");
  const below = lines
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${directory}/`));
  for (const path of below.reverse()) Bun.spawnSync(["umount", "-l", path], { stderr: "ignore" });
}

function removeCgroups(parent: string): void {
  for (const name of readdirSync("/sys/fs/cgroup")) {
    const path = join("/sys/fs/cgroup", name, parent);
    if (existsSync(path)) Bun.spawnSync(["rmdir", path], { stderr: "ignore" });
  }
}

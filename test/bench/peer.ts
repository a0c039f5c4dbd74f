/**
 * The other engines, each with private state, so that the machine's own images and daemons are not touched.
 *
 * Each is started when it is installed and works here, and reports why when it does not.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export interface Peer extends AsyncDisposable {
  readonly name: string;
  /** Words before the sub-command. */
  readonly argv: readonly string[];
  /** Flags that `run` needs on these machines. */
  readonly runFlags: readonly string[];
  /** The image made from the bench's root file system. */
  readonly image: string;
}

const image = "bocker-bench:latest";

/** podman with its own store; nothing of it runs between commands. */
export async function openPodman(directory: string, rootfs: string): Promise<Peer> {
  const argv = [
    "podman",
    `--root=${join(directory, "podman/root")}`,
    `--runroot=${join(directory, "podman/run")}`,
    "--cgroup-manager=cgroupfs",
    "--events-backend=file",
    "--log-level=error",
  ];
  importImage(argv, rootfs);
  return {
    name: "podman",
    argv,
    // It asks for more than the hard limit otherwise, which fails without CAP_SYS_RESOURCE.
    runFlags: ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"],
    image,
    async [Symbol.asyncDispose]() {
      Bun.spawnSync([...argv, "rm", "-fa", "-t", "0"], { stdout: "ignore", stderr: "ignore" });
      Bun.spawnSync([...argv, "system", "reset", "--force"], { stdout: "ignore", stderr: "ignore" });
      removeCgroups("libpod_parent");
    },
  };
}

/** A dockerd of our own, ended at disposal. */
export async function openDocker(directory: string, rootfs: string): Promise<Peer> {
  const base = join(directory, "docker");
  mkdirSync(base, { recursive: true });
  const socket = join(base, "docker.sock");
  const daemon = Bun.spawn(
    [
      "dockerd",
      `--data-root=${join(base, "data")}`,
      `--exec-root=${join(base, "exec")}`,
      `--pidfile=${join(base, "pid")}`,
      `--host=unix://${socket}`,
      "--cgroup-parent=/bocker-bench",
    ],
    { stdin: "ignore", stdout: "ignore", stderr: Bun.file(join(base, "log")) },
  );
  const argv = ["docker", `--host=unix://${socket}`];
  const stop = async (): Promise<void> => {
    daemon.kill("SIGTERM");
    await daemon.exited;
    removeCgroups("bocker-bench");
  };
  try {
    await waitUntilReady(argv, daemon);
    importImage(argv, rootfs);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: "docker", argv, runFlags: [], image, [Symbol.asyncDispose]: stop };
}

/** Removes the cgroups, by now without processes, that an engine leaves in every hierarchy. */
function removeCgroups(parent: string): void {
  const find = [
    "find",
    "/sys/fs/cgroup",
    "-depth",
    "-type",
    "d",
    "-path",
    `*/${parent}*`,
    "-exec",
    "rmdir",
    "{}",
    "+",
  ];
  Bun.spawnSync(find, { stderr: "ignore" });
}

async function waitUntilReady(argv: readonly string[], daemon: Bun.Subprocess): Promise<void> {
  for (let tries = 0; tries < 150; tries++) {
    if (daemon.exitCode !== null) throw new Error(`dockerd ended with ${daemon.exitCode}`);
    if (Bun.spawnSync([...argv, "version"], { stdout: "ignore", stderr: "ignore" }).exitCode === 0) return;
    await Bun.sleep(200);
  }
  throw new Error("dockerd did not answer within 30 s");
}

function importImage(argv: readonly string[], rootfs: string): void {
  const archive = Bun.spawnSync(["tar", "-C", rootfs, "-c", "."]).stdout;
  const { exitCode, stderr } = Bun.spawnSync([...argv, "import", "-", image], {
    stdin: archive,
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(`${argv[0]} import: ${stderr.toString().trim()}`);
}

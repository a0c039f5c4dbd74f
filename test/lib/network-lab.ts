/**
 * A small world of network namespaces: a "host", in which the test itself stands, and a "lan" machine beside it.
 *
 *   lan 203.0.113.9 ── 203.0.113.1 host ── (bridges that the test makes) ── containers
 *
 * The namespaces belong to sleeping processes and to nothing else, so that they are gone with them. setns moves only the
 * thread that runs JavaScript, which is also the one that /proc/self/net speaks of.
 */
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setns } from "../../ffi/process.ts";
import { runCommand, startCommand } from "../../src/host/run-command.ts";

const CLONE_NEWNET = 0x4000_0000;

export interface NetworkLab extends AsyncDisposable {
  readonly folder: string;
  readonly hostAddress: string;
  readonly lanAddress: string;
  /** A process in a new, empty network namespace: a container without one. */
  newNamespace(): Promise<number>;
  /** Runs a program on the lan machine; its output, or its error text when it fails. */
  onLan(...argv: string[]): Promise<string>;
  /** Starts a server that ends with the lab. `pid`: in whose namespace; absent: the host's. */
  serve(pid: number | undefined, ...argv: string[]): void;
  readonly lanPid: number;
}

/** Runs a program in the network namespace of a process. */
export function runIn(pid: number, ...argv: string[]): Promise<string> {
  return run("nsenter", "-t", String(pid), "-n", ...argv);
}

/** Runs a program here; never blocks this process, whose own forwarders may be what it talks to. */
export async function run(...argv: string[]): Promise<string> {
  const child = startCommand(argv, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  clearTimeout(timer);
  return exitCode === 0 ? stdout.trim() : `${stdout}${stderr}`.trim();
}

/** Moves this process into a new "host" until it is disposed. */
export async function networkLab(): Promise<NetworkLab> {
  const children: Bun.Subprocess[] = [];
  const start = (...argv: string[]) => {
    const child = startCommand(argv, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    children.push(child);
    return child.pid;
  };
  const newNamespace = async () => {
    const pid = start("unshare", "-n", "sleep", "300");
    await untilMoved(pid);
    return pid;
  };
  const home = openSync("/proc/self/ns/net", "r");
  const folder = mkdtempSync(join(tmpdir(), "bocker-lab-"));
  const [hostPid, lanPid] = [await newNamespace(), await newNamespace()];
  enter(hostPid);
  connect(lanPid);
  return {
    folder,
    hostAddress: "203.0.113.1",
    lanAddress: "203.0.113.9",
    lanPid,
    newNamespace,
    onLan: (...argv) => runIn(lanPid, ...argv),
    serve: (pid, ...argv) => {
      start(...(pid === undefined ? [] : ["nsenter", "-t", String(pid), "-n"]), ...argv);
    },
    async [Symbol.asyncDispose]() {
      setns(home, CLONE_NEWNET);
      closeSync(home);
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map((child) => child.exited));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function enter(pid: number): void {
  const namespace = openSync(`/proc/${pid}/ns/net`, "r");
  try {
    setns(namespace, CLONE_NEWNET);
  } finally {
    closeSync(namespace);
  }
}

function connect(lanPid: number): void {
  const host = [
    `link add lan0 up type veth peer name eth0 netns ${lanPid}`,
    "addr add 203.0.113.1/24 dev lan0",
    "link set lo up",
    "route add default via 203.0.113.9",
  ];
  runCommand(["ip", "-batch", "-"], { stdin: host.join("\n") });
  const lan = ["link set lo up", "link set eth0 up", "addr add 203.0.113.9/24 dev eth0"];
  runCommand(["nsenter", "-t", String(lanPid), "-n", "ip", "-batch", "-"], { stdin: lan.join("\n") });
}

/** unshare(1) has changed the namespace once it has become sleep. */
async function untilMoved(pid: number): Promise<void> {
  for (let attempt = 0; attempt < 8000; attempt++) {
    const name = await Bun.file(`/proc/${pid}/comm`).text();
    if (name.trim() === "sleep") return;
    await Bun.sleep(5);
  }
  throw new Error(`process ${pid} did not enter its namespace`);
}

/**
 * Further processes in a running container, joined namespaces, and terminals. Real kernel, root.
 */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { close, closeQuietly, openat, read, writeAll } from "../../ffi/file.ts";
import { AT_FDCWD, openFlags } from "../../ffi/flags.ts";
import { pidfd_open } from "../../ffi/process.ts";
import { getWindowSize, setWindowSize } from "../../ffi/tty.ts";
import { isProcessAlive } from "../../src/host/process-identity.ts";
import { planExec } from "../../src/launch/plan-exec.ts";
import { planStart } from "../../src/launch/plan-start.ts";
import { joinableNamespaces } from "../../src/runtime/joinable-namespaces.ts";
import { launchFacts } from "../../src/runtime/launch-facts.ts";
import { type Console, openConsole, openContainerConsole } from "../../src/runtime/open-console.ts";
import { openProcess, signalProcess } from "../../src/runtime/signal-process.ts";
import { startProcess } from "../../src/runtime/start-process.ts";
import { waitForExit } from "../../src/runtime/wait-for-exit.ts";
import type { SpecProcess } from "../../src/spec/oci.ts";
import {
  contextFor,
  failureOf,
  isRoot,
  type Output,
  type RunningChild,
  runIn,
  specFor,
  startPlan,
  type TemporaryRootfs,
  temporaryRootfs,
} from "./launch-fixture.ts";

interface RunningContainer extends AsyncDisposable {
  readonly rootfs: TemporaryRootfs;
  readonly child: RunningChild;
}

/** A container that sleeps; killed and waited for when its `await using` ends. */
async function runningContainer(): Promise<RunningContainer> {
  const rootfs = temporaryRootfs();
  const spec = specFor(["sleep", "60"]);
  const child = await startPlan(planStart(spec, contextFor(rootfs.path, spec)));
  const dispose = async () => {
    signalProcess(child.process, 9);
    await child.output;
    rootfs[Symbol.dispose]();
  };
  return { rootfs, child, [Symbol.asyncDispose]: dispose };
}

function execPlan(container: RunningContainer, args: readonly string[], changes: Partial<SpecProcess> = {}) {
  const process = specFor(args).process;
  if (process === undefined) throw new Error("no process");
  const namespaces = joinableNamespaces(container.child.process.pid);
  const context = { ...launchFacts(), namespaces, keyring: "_ses.test", chownStdio: [], dieWithParent: true };
  return planExec({ ...process, ...changes }, context);
}

async function execIn(
  container: RunningContainer,
  args: readonly string[],
  changes: Partial<SpecProcess> = {},
  beforeGo?: (pid: number) => void,
): Promise<Output> {
  const target = container.child.process.pidfd;
  const plan = execPlan(container, args, changes);
  const { output } = await startPlan(plan, { fds: { target }, beforeGo });
  return await output;
}

describe.skipIf(!isRoot)("exec", () => {
  test("sees the container's processes, files and host name, and is our child", async () => {
    await using container = await runningContainer();
    const seen: number[] = [];
    const script = "hostname; ps; readlink /proc/self/ns/net; exit 3";
    const { exit, stdout } = await execIn(container, ["sh", "-c", script], {}, (pid) => seen.push(pid));
    expect(exit.exitCode).toBe(3);
    expect(stdout).toStartWith("box\n");
    expect(stdout).toMatch(/ 1 root .*sleep 60/);
    expect(stdout).toContain(readlinkSync(`/proc/${container.child.process.pid}/ns/net`));
    expect(seen).toHaveLength(1);
    expect(readFileSync("/proc/thread-self/children", "utf8").trim()).toBe(
      String(container.child.process.pid),
    );
  });

  test("as another user, elsewhere, with its own environment", async () => {
    await using container = await runningContainer();
    const changes = { user: { uid: 9, gid: 9 }, cwd: "/tmp", env: ["PATH=/bin", "X=1"] };
    const { stdout } = await execIn(container, ["sh", "-c", "id -u; pwd; echo $X"], changes);
    expect(stdout).toBe("9\n/tmp\n1\n");
  });

  test("init's memory is out of reach of the container while it joins", async () => {
    await using container = await runningContainer();
    const plan = execPlan(container, ["sh"]);
    expect(plan.operations[0]).toMatchObject({ call: "prctl", option: "PR_SET_DUMPABLE", argument: 0 });
    const exe = await execIn(container, ["readlink", "/proc/self/exe"]);
    expect(exe.stdout).toBe("/bin/busybox\n");
  });

  test("fails in docker's words and leaves the container alone", async () => {
    await using container = await runningContainer();
    const notFound = await failureOf(execIn(container, ["nosuch"]));
    expect(notFound.message).toBe(
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
    );
    expect(notFound.exitCode).toBe(127);
    const noDirectory = await failureOf(execIn(container, ["sh"], { cwd: "/nope" }));
    expect(noDirectory.message).toContain(
      'chdir to cwd ("/nope") set in config.json failed: no such file or directory',
    );
    expect(noDirectory.exitCode).toBe(127);
    const denied = await failureOf(execIn(container, ["/etc/passwd"]));
    expect(denied.exitCode).toBe(126);
    expect(isProcessAlive(container.child.process.identity)).toBe(true);
  });

  test("into a container that has just ended is an error, not a join of somebody else", async () => {
    const container = await runningContainer();
    const plan = execPlan(container, ["sh"]);
    const target = pidfd_open(container.child.process.pid);
    await container[Symbol.asyncDispose]();
    const error = await failureOf(startPlan(plan, { fds: { target } }));
    close(target);
    expect(error.message).toContain("joining the container's namespaces: setns: no such process");
    expect(openProcess(container.child.process.identity)).toBeUndefined();
  });

  test("a working directory outside the root is refused (CVE-2024-21626)", async () => {
    await using container = await runningContainer();
    symlinkSync("/proc/self/fd/7", join(container.rootfs.path, "leak"));
    for (let fd = 3; fd < 10; fd++) {
      const error = await failureOf(execIn(container, ["sh"], { cwd: `/proc/self/fd/${fd}` }));
      expect(error.message).toMatch(/chdir|working directory/);
    }
    expect((await failureOf(execIn(container, ["sh"], { cwd: "/leak" }))).message).toContain("chdir");
  });
});

describe.skipIf(!isRoot)("joined namespaces", () => {
  test("network, ipc and pid of another container, by path", async () => {
    await using container = await runningContainer();
    const at = (name: string) => `/proc/${container.child.process.pid}/ns/${name}`;
    const namespaces = [
      { type: "pid", path: at("pid") },
      { type: "network", path: at("net") },
      { type: "ipc", path: at("ipc") },
      { type: "mount" },
      { type: "uts" },
    ] as const;
    using rootfs = temporaryRootfs();
    const script = "readlink /proc/self/ns/net; ps; hostname; exit 4";
    const { exit, stdout } = await runIn(rootfs, ["sh", "-c", script], {
      linux: { namespaces },
      hostname: "second",
    });
    expect(exit.exitCode).toBe(4);
    expect(stdout).toContain(readlinkSync(at("net")));
    expect(stdout).toMatch(/ 1 root .*sleep 60/);
    expect(stdout).toContain("second\n");
  });

  test("the host's own, where the Spec asks for none", async () => {
    using rootfs = temporaryRootfs();
    const namespaces = [{ type: "mount" }] as const;
    const script = "readlink /proc/self/ns/net; readlink /proc/self/ns/pid";
    const { stdout } = await runIn(rootfs, ["sh", "-c", script], { linux: { namespaces } });
    expect(stdout).toBe(`${readlinkSync("/proc/self/ns/net")}\n${readlinkSync("/proc/self/ns/pid")}\n`);
  });

  test("a path that is no namespace is an error that names it", async () => {
    using rootfs = temporaryRootfs();
    const namespaces = [{ type: "mount" }, { type: "network", path: "/etc/passwd" }] as const;
    const error = await failureOf(runIn(rootfs, ["sh"], { linux: { namespaces } }));
    expect(error.message).toContain('joining the network namespace "/etc/passwd": setns: invalid argument');
  });
});

/** Writes a line to a terminal's master and reads until the text is there. */
function converse(console: Console, line: string, until: string): string {
  writeAll(console.master, new TextEncoder().encode(`${line}\n`));
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes(until))
    text += new TextDecoder().decode(buffer.subarray(0, read(console.master, buffer)));
  return text;
}

describe.skipIf(!isRoot)("terminals", () => {
  test("a container's terminal is its own /dev/pts/0 and /dev/console, with job control and a size", async () => {
    using rootfs = temporaryRootfs();
    const terminal = openConsole({ rows: 33, columns: 99 });
    const spec = specFor(["sh"], { process: { terminal: true, user: { uid: 7, gid: 7 } } });
    const context = contextFor(rootfs.path, spec, {
      console: { number: terminal.number },
      chownStdio: [0, 1, 2],
    });
    const fds = { devpts: terminal.devpts ?? -1 };
    const { slave } = terminal;
    const started = await startProcess(planStart(spec, context), { stdio: [slave, slave, slave], fds });
    closeQuietly(slave, terminal.devpts);
    const text = converse(
      terminal,
      "tty; stty size; stat -c '%u %t:%T' /dev/pts/0 /dev/console; echo do''ne",
      "done",
    );
    expect(text).toContain("/dev/pts/0");
    expect(text).toContain("33 99");
    expect(text).toContain("7 88:0\r\n7 88:0");
    expect(text).not.toContain("job control turned off");
    setWindowSize(terminal.master, { rows: 10, columns: 20 });
    expect(getWindowSize(terminal.master)).toEqual({ rows: 10, columns: 20 });
    expect(converse(terminal, "stty size; echo re''sized", "resized")).toContain("10 20");
    writeAll(terminal.master, new TextEncoder().encode("exit 6\n"));
    expect((await waitForExit(started)).exitCode).toBe(6);
    closeQuietly(started.pidfd, terminal.master);
  });

  test("under --init the command is in the foreground: Ctrl-C reaches it", async () => {
    using rootfs = temporaryRootfs();
    const terminal = openConsole();
    const spec = specFor(
      ["sh", "-c", "trap 'echo caught; exit 5' INT; echo go; while :; do sleep 0.02; done"],
      {
        process: { terminal: true },
      },
    );
    const context = contextFor(rootfs.path, spec, { console: { number: terminal.number }, init: true });
    const { slave } = terminal;
    const fds = { devpts: terminal.devpts ?? -1 };
    const started = await startProcess(planStart(spec, context), { stdio: [slave, slave, slave], fds });
    closeQuietly(slave, terminal.devpts);
    converse(terminal, "", "go");
    converse(terminal, "\x03", "caught");
    expect((await waitForExit(started)).exitCode).toBe(5);
    closeQuietly(started.pidfd, terminal.master);
  });

  test("an exec's terminal is one more of the container's devpts", async () => {
    await using container = await runningContainer();
    const root = openat(AT_FDCWD, `/proc/${container.child.process.pid}/root`, openFlags.O_PATH);
    const terminal = openContainerConsole(root, { rows: 5, columns: 6 });
    close(root);
    const { slave } = terminal;
    const plan = execPlan(container, ["sh"], { terminal: true });
    const fds = { target: container.child.process.pidfd };
    const started = await startProcess(plan, { stdio: [slave, slave, slave], fds });
    close(slave);
    const text = converse(terminal, "tty; stty size; echo do''ne", "done");
    expect(text).toContain(`/dev/pts/${terminal.number}`);
    expect(text).toContain("5 6");
    writeAll(terminal.master, new TextEncoder().encode("exit\n"));
    expect((await waitForExit(started)).exitCode).toBe(0);
    closeQuietly(started.pidfd, terminal.master);
  });

  test("a forged /dev/pts is not opened", async () => {
    using rootfs = temporaryRootfs();
    mkdirSync(join(rootfs.path, "dev/pts"), { recursive: true });
    const root = openat(AT_FDCWD, rootfs.path, openFlags.O_PATH);
    expect(() => openContainerConsole(root)).toThrow("no devpts");
    close(root);
  });
});

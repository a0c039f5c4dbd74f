/**
 * A real monitor process over a plain program: start, output, exit, settling, and what it leaves.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Channel } from "../../src/monitor/channel.ts";
import { connectAttach } from "../../src/monitor/connect-attach.ts";
import { openAttached } from "../../src/monitor/open-session.ts";
import type { RemoteSession } from "../../src/monitor/remote-session.ts";
import type { AttachRequest, StreamName } from "../../src/monitor/session.ts";
import { withSocketAddress } from "../../src/monitor/socket-address.ts";
import { type MonitorHandle, spawnMonitor } from "../../src/monitor/spawn-monitor.ts";
import { killFamily } from "../lib/kill-family.ts";
import type { ProgramSpec } from "../lib/monitor-process.ts";

const id = "0123456789abcdef".repeat(4);
const everything = { stdin: true, stdout: true, stderr: true };
const nothing = { stdin: false, stdout: false, stderr: false };
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bocker-monitor-"));
});
afterEach(() => {
  killFamily(folder);
  rmSync(folder, { recursive: true, force: true });
});

function spawn(spec: Partial<ProgramSpec> & Pick<ProgramSpec, "argv">): MonitorHandle {
  const full: ProgramSpec = {
    socketPath: join(folder, "run/attach.sock"),
    logPath: join(folder, "log.json"),
    settledPath: join(folder, "settled"),
    stdin: true,
    ...spec,
  };
  const program = join(import.meta.dir, "../lib/monitor-process.ts");
  return spawnMonitor([process.execPath, program, JSON.stringify(full)]);
}

const start = (
  spec: Partial<ProgramSpec> & Pick<ProgramSpec, "argv">,
  attach: AttachRequest = everything,
): Promise<RemoteSession> => spawn(spec).start({ id, attach });

const shell = (script: string): { readonly argv: readonly string[] } => ({ argv: ["sh", "-c", script] });

interface Result {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function collect(session: RemoteSession): Promise<Result> {
  const text = { stdout: "", stderr: "" };
  const exitCode = await session.run((stream, chunk) => {
    text[stream] += new TextDecoder().decode(chunk);
  });
  return { exitCode, ...text };
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 8000; tries++) {
    if (condition()) return;
    await Bun.sleep(5);
  }
  throw new Error(`never happened: ${what}`);
}

const settled = (): string =>
  existsSync(join(folder, "settled")) ? readFileSync(join(folder, "settled"), "utf8") : "";
const logTexts = (): string[] =>
  readFileSync(join(folder, "log.json"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { log: string }).log);

describe("a foreground run", () => {
  test("gets both streams apart, the exit code last, and a settled container", async () => {
    const result = await collect(await start(shell("echo out; echo err >&2; exit 7")));
    expect(result).toEqual({ exitCode: 7, stdout: "out\n", stderr: "err\n" });
    expect(settled()).toBe(`${id} 7\n`);
    expect(logTexts().toSorted()).toEqual(["err\n", "out\n"]);
  });

  test("gives stdin, and its end", async () => {
    const session = await start({ argv: ["tr", "a-z", "A-Z"] });
    const done = collect(session);
    await session.write(Buffer.from("hello "));
    await session.write(Buffer.from("world"));
    session.closeInput();
    expect(await done).toEqual({ exitCode: 0, stdout: "HELLO WORLD", stderr: "" });
  });

  test("without -i the program reads nothing", async () => {
    const session = await start({ argv: ["cat"], stdin: false }, { ...everything, stdin: false });
    expect(await collect(session)).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  test("moves a gigabyte out without loss and without keeping it", async () => {
    const monitor = spawn({ argv: ["head", "-c", "1000000000", "/dev/zero"], logDriver: "none" });
    const session = await monitor.start({ id, attach: everything });
    let bytes = 0;
    let clean = true;
    const exitCode = await session.run((_stream, chunk) => {
      bytes += chunk.byteLength;
      clean &&= chunk[0] === 0 && chunk[chunk.byteLength - 1] === 0;
    });
    expect({ exitCode, bytes, clean }).toEqual({ exitCode: 0, bytes: 1_000_000_000, clean: true });
  });

  test("moves 200 MB in and back out in order, both sides in bounded memory", async () => {
    const monitor = spawn({ argv: ["cat"], logDriver: "none" });
    const session = await monitor.start({ id, attach: everything });
    const total = 200_000_000;
    const sent = new Bun.CryptoHasher("sha1");
    const got = new Bun.CryptoHasher("sha1");
    const feeding = (async () => {
      for (let at = 0; at < total; at += 1_000_000) {
        const piece = Buffer.alloc(1_000_000, `${at} `);
        sent.update(piece);
        await session.write(piece);
      }
      session.closeInput();
    })();
    let peakKb = 0;
    const exitCode = await session.run((_stream, chunk) => {
      got.update(chunk);
      peakKb = Math.max(peakKb, residentKb(monitor.pid));
    });
    await feeding;
    expect(exitCode).toBe(0);
    expect(got.digest("hex")).toBe(sent.digest("hex"));
    expect(peakKb).toBeLessThan(250_000);
  });

  test("a slow reader holds the container back and gets everything", async () => {
    const session = await start({ argv: ["head", "-c", "3000000", "/dev/zero"] });
    let bytes = 0;
    const exitCode = await session.run(async (_stream, chunk) => {
      bytes += chunk.byteLength;
      await Bun.sleep(2);
    });
    expect({ exitCode, bytes }).toEqual({ exitCode: 0, bytes: 3_000_000 });
  });

  test("a reader that stands still does not keep the container's end from being recorded", async () => {
    const session = await start(shell("head -c 100000 /dev/zero; exit 3"));
    const go = Promise.withResolvers<void>();
    let bytes = 0;
    const running = session.run((_stream, chunk) => {
      bytes += chunk.byteLength;
      return go.promise;
    });
    await until("settled", () => settled() !== "");
    expect(settled()).toBe(`${id} 3\n`);
    go.resolve();
    expect(await running).toBe(3);
    expect(bytes).toBe(100_000);
  });

  test("passes signals on, even behind unread stdin", async () => {
    const session = await start(
      shell("trap 'echo got it; exit 5' USR1; echo ready; while :; do sleep 0.05; done"),
    );
    let text = "";
    const running = session.run((_stream, chunk) => {
      text += new TextDecoder().decode(chunk);
      if (text === "ready\n") session.signal(10);
    });
    void session.write(new Uint8Array(5_000_000));
    expect(await running).toBe(5);
    expect(text).toBe("ready\ngot it\n");
  });

  test("tells when the program reads no more", async () => {
    const session = await start(shell("exec <&-; sleep 0.3"));
    const running = collect(session);
    const feeding = (async () => {
      for (let n = 0; n < 100; n++) await session.write(new Uint8Array(65_536));
    })();
    await session.inputClosed;
    await feeding;
    expect((await running).exitCode).toBe(0);
  });

  test("closing the only reader's stdout ends the program as in a pipeline", async () => {
    const session = await start({ argv: ["yes"], logDriver: "none" });
    let isClosed = false;
    const exitCode = await session.run((stream: StreamName) => {
      // Said once: what is said to a monitor that ends just now is nobody's.
      if (!isClosed) session.closeOutput(stream);
      isClosed = true;
    });
    expect(exitCode).toBe(141);
  });

  test("an error at the start comes through with everything it says, and leaves no monitor", async () => {
    const monitor = spawn({ argv: ["true"], failStart: true });
    const error = await monitor.start({ id, attach: everything }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: 'exec: "nope": executable file not found in $PATH',
      kind: "command-not-found",
      exitCode: 127,
      hint: "try another",
    });
    await until("monitor gone", () => !isRunning(monitor.pid));
    expect(settled()).toBe("");
  });

  test("a failing clean-up is a warning beside the exit code", async () => {
    const session = await start({ ...shell("exit 4"), failSettle: true });
    expect((await collect(session)).exitCode).toBe(4);
    expect(session.warning).toBe("the database is locked");
  });

  test("output of a grandchild that keeps the pipe is waited for two seconds, not for ever", async () => {
    const began = performance.now();
    const session = await start(shell("(sleep 4; echo late) & echo early"));
    const result = await collect(session);
    expect(result).toMatchObject({ exitCode: 0, stdout: "early\n" });
    expect(performance.now() - began).toBeLessThan(6000);
  });
});

describe("a terminal", () => {
  test("is one, has the client's size from the start, and follows it", async () => {
    const size = { rows: 30, columns: 101 };
    const session = await start(
      { ...shell("tty >/dev/null && stty size; read x; stty size"), tty: true },
      { ...everything, size },
    );
    let text = "";
    const running = session.run((_stream, chunk) => {
      text += new TextDecoder().decode(chunk);
    });
    await until("first size", () => text.includes("30 101"));
    session.resize({ rows: 50, columns: 132 });
    await session.write(Buffer.from("\n"));
    expect(await running).toBe(0);
    expect(text).toBe("30 101\r\n\r\n50 132\r\n");
  });

  test("turns Ctrl-C into SIGINT inside", async () => {
    const session = await start({
      ...shell("trap 'echo int; exit 9' INT; echo ready; sleep 10 & wait"),
      tty: true,
    });
    let text = "";
    const running = session.run((_stream, chunk) => {
      text += new TextDecoder().decode(chunk);
      if (text === "ready\r\n") void session.write(Uint8Array.of(3));
    });
    expect(await running).toBe(9);
    expect(text).toContain("int");
  });

  test("outlives a moment in which nobody has it open", async () => {
    const session = await start({
      ...shell("exec 0<&- 1>&- 2>&-; sleep 0.2; echo back >/dev/tty"),
      tty: true,
    });
    expect(await collect(session)).toEqual({ exitCode: 0, stdout: "back\r\n", stderr: "" });
  });

  test("moves megabytes out completely", async () => {
    const session = await start({
      ...shell("stty -opost; head -c 5000000 /dev/zero"),
      tty: true,
      logDriver: "none",
    });
    let bytes = 0;
    await session.run((_stream, chunk) => {
      bytes += chunk.byteLength;
    });
    expect(bytes).toBe(5_000_000);
  });
});

describe("a detached container", () => {
  test("goes on without the command that started it, and says its id in ps", async () => {
    const monitor = spawn(shell("sleep 0.3; echo done; exit 6"));
    const session = await monitor.start({ id });
    session.detach();
    await until("title", () =>
      readFileSync(`/proc/${monitor.pid}/cmdline`, "utf8").endsWith(`\0${id.slice(0, 12)}\0`),
    );
    expect(readFileSync(`/proc/${monitor.pid}/stat`, "utf8").split(" ")[5]).toBe(String(monitor.pid));
    await until("settled", () => settled() !== "");
    expect(settled()).toBe(`${id} 6\n`);
    expect(logTexts()).toEqual(["done\n"]);
    await until("monitor gone", () => !isRunning(monitor.pid));
    expect(existsSync(join(folder, "run/attach.sock"))).toBe(false);
  });

  test("ignores the signals of a terminal and of a shutdown", async () => {
    const monitor = spawn(shell("sleep 0.5; exit 2"));
    (await monitor.start({ id })).detach();
    for (const signal of ["SIGHUP", "SIGINT", "SIGTERM", "SIGQUIT"] as const)
      process.kill(monitor.pid, signal);
    await until("settled", () => settled() !== "");
    expect(settled()).toBe(`${id} 2\n`);
  });

  test("uses no processor time while nothing happens", async () => {
    const monitor = spawn({ argv: ["sleep", "20"] });
    (await monitor.start({ id })).detach();
    await Bun.sleep(800);
    const before = processorTicks(monitor.pid);
    await Bun.sleep(1500);
    // A busy loop would take 150 of these hundredths of a second; a late compiler thread takes two or three.
    expect(processorTicks(monitor.pid) - before).toBeLessThan(8);
  });
});

describe("a resting monitor", () => {
  const socket = (): string => join(folder, "run/attach.sock");
  const hasRested = (pid: number): boolean =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").endsWith(`\0${id.slice(0, 12)}\0`) &&
    !readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(pid, fd).includes("memfd:bocker-monitor")) &&
    readFileSync(`/proc/${pid}/environ`, "utf8").includes("BOCKER_MONITOR_STATE");
  async function startResting(
    spec: Partial<ProgramSpec> & Pick<ProgramSpec, "argv">,
  ): Promise<MonitorHandle> {
    const monitor = spawn({ rest: true, ...spec });
    (await monitor.start({ id })).detach();
    await until("rest", () => hasRested(monitor.pid));
    return monitor;
  }

  test("is the same process and misses neither output, nor clients, nor the end", async () => {
    const monitor = await startResting(
      shell("echo before; read go; echo after; echo err >&2; read x; echo $x; exit 6"),
    );
    const guest = await connectAttach(socket(), everything);
    const seen = collect(guest);
    await guest.write(Buffer.from("go\ntyped\n"));
    expect(await seen).toEqual({ exitCode: 6, stdout: "after\ntyped\n", stderr: "err\n" });
    expect(settled()).toBe(`${id} 6\n`);
    expect(logTexts().toSorted()).toEqual(["after\n", "before\n", "err\n", "typed\n"]);
    await until("monitor gone", () => !isRunning(monitor.pid));
  });

  test("keeps a terminal, its size and its modes", async () => {
    await startResting({
      ...shell("stty cols 99 -echo; sleep 1.5; stty size; stty -a | grep -o -- -echo' '"),
      tty: true,
    });
    const guest = await connectAttach(socket(), { ...everything, stdin: false });
    expect((await collect(guest)).stdout).toBe("0 99\r\n-echo \r\n");
  });

  test("still ignores signals, and hands them on when asked", async () => {
    const monitor = await startResting(shell("trap 'exit 4' TERM; while :; do sleep 0.05; done"));
    for (const signal of ["SIGHUP", "SIGINT", "SIGTERM", "SIGQUIT"] as const)
      process.kill(monitor.pid, signal);
    const guest = await connectAttach(socket(), nothing);
    guest.signal(15);
    expect((await collect(guest)).exitCode).toBe(4);
  });

  test("does not rest over an unfinished line or a client, and loses neither", async () => {
    const monitor = spawn({ rest: true, ...shell("printf unfinished; sleep 1.6; echo ' line'") });
    (await monitor.start({ id })).detach();
    await until("settled", () => settled() !== "");
    expect(logTexts()).toEqual(["unfinished line\n"]);
    const owner = await start({ rest: true, ...shell("sleep 1.5; echo out") });
    expect((await collect(owner)).stdout).toBe("out\n");
  });

  test("gives the container nothing it did not have", async () => {
    const monitor = await startResting({ argv: ["sleep", "3"] });
    const flags = readdirSync(`/proc/${monitor.pid}/fdinfo`).map((fd) => {
      const octal =
        /flags:\s+(\d+)/.exec(readFileSync(`/proc/${monitor.pid}/fdinfo/${fd}`, "utf8"))?.[1] ?? "";
      return { fd: Number(fd), isCloseOnExec: (Number.parseInt(octal, 8) & 0o2000000) !== 0 };
    });
    expect(flags.filter(({ fd, isCloseOnExec }) => fd > 2 && !isCloseOnExec)).toEqual([]);
  });
});

function linkOf(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return "";
  }
}

describe("a monitor without an order", () => {
  test("leaves when it is dismissed", async () => {
    const monitor = spawn({ argv: ["true"] });
    await Bun.sleep(50);
    monitor.dismiss();
    await until("monitor gone", () => !isRunning(monitor.pid));
    expect(settled()).toBe("");
  });
});

describe("attach", () => {
  const socket = (): string => join(folder, "run/attach.sock");

  test("several clients see the same, each what it asked for", async () => {
    const owner = await start({ argv: ["cat"] });
    const [first, second, watcher] = await Promise.all([
      connectAttach(socket(), everything),
      connectAttach(socket(), { ...everything, stdout: false }),
      connectAttach(socket(), nothing),
    ]);
    const results = [owner, first, second, watcher].map(collect);
    await first.write(Buffer.from("from the first\n"));
    await owner.write(Buffer.from("from the owner\n"));
    owner.closeInput();
    const both = "from the first\nfrom the owner\n";
    expect((await Promise.all(results)).map(({ stdout }) => stdout)).toEqual([both, both, "", ""]);
  });

  test("a client that leaves takes nothing along", async () => {
    const owner = await start({ argv: ["head", "-n", "2"], stdinOnce: false });
    const done = collect(owner);
    const guest = await connectAttach(socket(), everything);
    await guest.write(Buffer.from("guest\n"));
    guest.detach();
    await Bun.sleep(50);
    await owner.write(Buffer.from("owner\n"));
    expect(await done).toEqual({ exitCode: 0, stdout: "guest\nowner\n", stderr: "" });
  });

  test("a stalled client holds the others back only while it is there", async () => {
    const owner = await start({ argv: ["head", "-c", "20000000", "/dev/zero"] });
    const guest = await connectAttach(socket(), everything).catch(() => undefined);
    void guest?.run(() => new Promise(() => undefined));
    let bytes = 0;
    const running = owner.run((_stream, chunk) => {
      bytes += chunk.byteLength;
    });
    await Bun.sleep(200);
    guest?.detach();
    expect(await running).toBe(0);
    expect(bytes).toBe(20_000_000);
  });

  test("stdin given once ends when its client goes", async () => {
    const once = await start({ argv: ["cat"], stdinOnce: true });
    once.detach();
    await until("settled", () => settled() === `${id} 0\n`);
  });

  test("stdin of a container that was started detached stays open over clients and their ends", async () => {
    const monitor = spawn({ argv: ["head", "-n", "2"], stdinOnce: true });
    (await monitor.start({ id })).detach();
    for (const name of ["first", "second"]) {
      const guest = await connectAttach(socket(), everything);
      await guest.write(Buffer.from(`${name}\n`));
      guest.closeInput();
      await Bun.sleep(30);
      guest.detach();
    }
    await until("settled", () => settled() !== "");
    expect(logTexts()).toEqual(["first\n", "second\n"]);
  });

  test("who has connected and not asked yet is sent away at the end, also where the program is started again", async () => {
    const owner = await start({ ...shell("read line"), startTwice: true });
    const done = collect(owner);
    await until("socket", () => existsSync(socket()));
    const late = await withSocketAddress(socket(), (unix) => Channel.connect({ unix }));
    // Answered behind it: the monitor has both connections by then.
    (await connectAttach(socket(), nothing)).detach();
    await owner.write(Buffer.from("go on\n"));
    await done;
    const answer = openAttached(late, nothing).then(
      () => "answered",
      (error: unknown) => String(error),
    );
    expect(await answer).toContain("gone without an answer");
    const second = await connectAttach(socket(), everything);
    const ended = collect(second);
    await second.write(Buffer.from("and end\n"));
    expect((await ended).exitCode).toBe(0);
    await until("settled", () => settled() === `${id} 0\n`.repeat(2));
  });

  test("the socket is the owner's only", async () => {
    const owner = await start({ argv: ["cat"] });
    await until("socket", () => existsSync(socket()));
    await until("mode", () => (statSync(socket()).mode & 0o777) === 0o600);
    expect(statSync(dirname(socket())).mode & 0o777).toBe(0o700);
    owner.detach();
  });

  test("works below a path longer than a socket address", async () => {
    const long = join(folder, "x".repeat(60), "y".repeat(60), "attach.sock");
    const owner = await start({ argv: ["cat"], socketPath: long });
    const guest = await connectAttach(long, everything);
    const seen = collect(guest);
    void collect(owner);
    await guest.write(Buffer.from("far\n"));
    guest.closeInput();
    expect((await seen).stdout).toBe("far\n");
  });

  test("to nobody is an error that says so", async () => {
    const error = await connectAttach(join(folder, "nobody.sock"), nothing).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ kind: "not-running" });
  });

  test("a killed monitor ends the session with an error", async () => {
    const monitor = spawn({ argv: ["sleep", "5"] });
    const session = await monitor.start({ id, attach: everything });
    const running = session.run(() => undefined).catch((thrown: unknown) => thrown);
    process.kill(monitor.pid, "SIGKILL");
    expect(await running).toMatchObject({ kind: "not-running" });
  });
});

function residentKb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function processorTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
  return Number(fields[13]) + Number(fields[14]);
}

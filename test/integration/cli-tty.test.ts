/**
 * `-t`: a real pseudo-terminal from end to end, and the user's own terminal as it was before, whatever happens.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

/** termios(3) c_lflag: line editing, echo, signals from keys. */
const cooked = 0o2 | 0o10 | 0o1;
const quiet = ["--network", "none"] as const;

test("the command has a terminal on all three streams, and TERM", async () => {
  await using session = bocker.terminal(
    "run",
    "--rm",
    "-it",
    ...quiet,
    "busybox",
    "sh",
    "-c",
    "tty; test -t 0 && test -t 1 && test -t 2 && echo all; echo $TERM",
  );
  await session.waitFor("/dev/pts/0");
  await session.waitFor("all");
  await session.waitFor("xterm");
  expect(await session.exited).toBe(0);
});

test("the window's size, and its changes", async () => {
  await using session = bocker.terminal(
    "run",
    "--rm",
    "-it",
    ...quiet,
    "busybox",
    "sh",
    "-c",
    "stty size; read x; stty size",
  );
  await session.waitFor("24 80");
  session.resize(132, 50);
  await Bun.sleep(300);
  session.type("\r");
  await session.waitFor("50 132");
  expect(await session.exited).toBe(0);
});

test("keys go through raw: Ctrl-C interrupts inside, Ctrl-Z suspends inside", async () => {
  await using session = bocker.terminal("run", "--rm", "-it", ...quiet, "busybox", "sh");
  await session.waitFor("#");
  expect(session.localFlags() & cooked).toBe(0);
  session.type("sleep 100\r");
  await Bun.sleep(200);
  session.type("\x03");
  session.type("echo st=$?\r");
  await session.waitFor("st=130");
  session.type("sleep 100\r");
  await Bun.sleep(200);
  session.type("\x1a");
  await session.waitFor(/Stopped/);
  session.type("exit 5\r");
  session.type("exit 5\r");
  expect(await session.exited).toBe(5);
  expect(session.localFlags() & cooked).toBe(cooked);
});

test("a command that ends with an error restores the terminal", async () => {
  await using session = bocker.terminal("run", "--rm", "-it", ...quiet, "busybox", "no-such-command");
  expect(await session.exited).toBe(127);
  expect(session.localFlags() & cooked).toBe(cooked);
});

test("a CLI ended by SIGTERM restores the terminal", async () => {
  await using session = bocker.terminal(
    "run",
    "--rm",
    "-it",
    "--name",
    "tty-term",
    ...quiet,
    "busybox",
    "sh",
    "-c",
    "trap 'exit 3' TERM; echo on; while :; do sleep 0.05; done",
  );
  await session.waitFor("on");
  session.kill("SIGTERM");
  await session.exited;
  expect(session.localFlags() & cooked).toBe(cooked);
});

test("ctrl-p ctrl-q detaches: the container goes on, the CLI ends with 0", async () => {
  await using session = bocker.terminal("run", "-it", "--name", "left", ...quiet, "busybox", "sh");
  await session.waitFor("#");
  session.type("\x10\x11");
  expect(await session.exited).toBe(0);
  expect(session.localFlags() & cooked).toBe(cooked);
  expect((await bocker.inspect("left")).State.Running).toBe(true);
  await bocker.ok("rm", "-f", "left");
});

test("ctrl-p alone is typed through", async () => {
  await using session = bocker.terminal(
    "run",
    "--rm",
    "-it",
    ...quiet,
    "busybox",
    "sh",
    "-c",
    "stty -icanon -echo; echo on; dd bs=1 count=2 2>/dev/null | od -An -tx1",
  );
  await session.waitFor("on");
  session.type("\x10x");
  await session.waitFor("10 78");
});

test("-t without a terminal on stdin is refused with docker's words", async () => {
  const { exitCode, stderr } = await bocker.run("run", "--rm", "-it", ...quiet, "busybox", "true");
  expect(stderr).toContain("the input device is not a TTY");
  expect(exitCode).toBe(1);
});

test("-t alone works without one: output through a terminal", async () => {
  const { exitCode, stdout } = await bocker.run(
    "run",
    "--rm",
    "-t",
    ...quiet,
    "busybox",
    "sh",
    "-c",
    "tty; echo x",
  );
  expect(stdout).toBe("/dev/pts/0\r\nx\r\n");
  expect(exitCode).toBe(0);
});

test("exec -it has a terminal of its own", async () => {
  await bocker.ok("run", "-d", "--name", "base", ...quiet, "busybox", "sleep", "100");
  await using session = bocker.terminal("exec", "-it", "base", "sh");
  await session.waitFor("#");
  session.type("tty; stty size; exit 4\r");
  await session.waitFor(/\/dev\/pts\/\d/);
  await session.waitFor("24 80");
  expect(await session.exited).toBe(4);
  expect(session.localFlags() & cooked).toBe(cooked);
  await bocker.ok("rm", "-f", "base");
});

test("signals to the command line go to the container, as without a terminal", async () => {
  const script = "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
  await using session = bocker.terminal("run", "--rm", "-it", ...quiet, "busybox", "sh", "-c", script);
  await session.waitFor("ready");
  session.kill("SIGTERM");
  await session.waitFor("got it");
  expect(await session.exited).toBe(5);
  expect(session.localFlags() & cooked).toBe(cooked);
});

test("a third SIGTERM ends the command line of a container that is deaf to it", async () => {
  const name = "deaf";
  const script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
  await using session = bocker.terminal(
    "run",
    "-it",
    "--name",
    name,
    ...quiet,
    "busybox",
    "sh",
    "-c",
    script,
  );
  await session.waitFor("ready");
  for (let times = 0; times < 3; times++) {
    session.kill("SIGTERM");
    // Two of a kind that wait together are one.
    await Bun.sleep(50);
  }
  await session.waitFor("got 3 SIGTERM/SIGINTs, forcefully exiting");
  expect(await session.exited).toBe(1);
  expect(session.localFlags() & cooked).toBe(cooked);
  expect((await bocker.inspect(name)).State.Status).toBe("running");
  await bocker.ok("rm", "-f", name);
});

test("a terminal that hangs up takes the command line along, and tells the container", async () => {
  const script = "trap 'echo hup > /tmp/seen' HUP; echo ready; while :; do sleep 0.05; done";
  const run = ["run", "-it", "--name", "hung", ...quiet, "busybox", "sh", "-c", script];
  await using session = bocker.terminal(...run);
  await session.waitFor("ready");
  session.hangUp();
  expect(await session.exited).toBe(1);
  expect((await bocker.inspect("hung")).State.Status).toBe("running");
  for (let tries = 0; tries < 1000; tries++) {
    if ((await bocker.run("exec", "hung", "cat", "/tmp/seen")).stdout === "hup\n") break;
    await Bun.sleep(20);
  }
  expect(await bocker.ok("exec", "hung", "cat", "/tmp/seen")).toBe("hup");
  await bocker.ok("rm", "-f", "hung");
});

test("a container's file names are escaped on a terminal, and nowhere else", async () => {
  await bocker.ok("run", "--name", "names", ...quiet, "busybox", "touch", "/a\x1b]0;evil\x07b");
  await using session = bocker.terminal("diff", "names");
  await session.waitFor("A /a\\x1b]0;evil\\x07b");
  expect(await session.exited).toBe(0);
  expect((await bocker.run("diff", "names")).stdout).toContain("A /a\x1b]0;evil\x07b\n");
  await bocker.ok("rm", "names");
});

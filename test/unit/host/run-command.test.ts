import { describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BockerError } from "../../../src/errors.ts";
import { findTool, runCommand, startCommand, tryCommand } from "../../../src/host/run-command.ts";
import { spawnDetached } from "../../../src/host/spawn-detached.ts";

function caught(action: () => unknown): BockerError {
  try {
    action();
  } catch (error) {
    if (error instanceof BockerError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("runCommand", () => {
  test("gives stdin to the program and its output back", () => {
    expect(runCommand(["cat"], { stdin: "one\ntwo\n" }).stdout).toBe("one\ntwo\n");
  });

  test("takes more output and input than a pipe holds", () => {
    const text = "x".repeat(1_000_000);
    expect(runCommand(["cat"], { stdin: text }).stdout.length).toBe(text.length);
  });

  test("hands arguments over as they are, with no shell", () => {
    const args = ["$HOME", "a b", "*", "`id`", ""];
    expect(runCommand(["printf", "%s\\n", ...args]).stdout).toBe(`${args.join("\n")}\n`);
  });

  test("a failing program is an error with its words and its arguments", () => {
    const error = caught(() => runCommand(["sh", "-c", "echo no such thing >&2; exit 3"]));
    expect(error.message).toContain("no such thing");
    expect(error.details).toMatchObject({ exitCode: 3, stderr: "no such thing" });
  });

  test("a silent failure still says the code or the signal", () => {
    expect(caught(() => runCommand(["sh", "-c", "exit 7"])).message).toEndWith(": exit code 7");
    expect(caught(() => runCommand(["sh", "-c", "kill -TERM $$"])).message).toEndWith(": killed by SIGTERM");
  });

  test("a program that hangs is killed", () => {
    const error = caught(() => runCommand(["sleep", "30"], { timeoutMs: 50 }));
    expect(error.kind).toBe("timeout");
    expect(error.message).toContain("no answer within 50 ms");
  });

  test("a missing program names the package to install", () => {
    expect(caught(() => runCommand(["bocker-no-such-tool"])).hint).toBe(
      "install the package bocker-no-such-tool",
    );
  });

  test("speaks C to the program and passes added variables", () => {
    expect(runCommand(["sh", "-c", "echo $LC_ALL $X"], { env: { X: "y" } }).stdout).toBe("C y\n");
  });
});

test("tryCommand makes a failure a result", () => {
  expect(tryCommand(["sh", "-c", "echo out; exit 4"])).toMatchObject({
    exitCode: 4,
    stdout: "out\n",
    timedOut: false,
  });
});

test("findTool looks where PATH does not", () => {
  const path = process.env.PATH;
  process.env.PATH = "/nonexistent";
  try {
    expect(findTool("chroot")).toBe("/usr/sbin/chroot");
  } finally {
    process.env.PATH = path;
  }
});

test("startCommand streams", async () => {
  const child = startCommand(["cat"], { stdin: "pipe", stdout: "pipe", stderr: "ignore" });
  child.stdin.write("hello");
  await child.stdin.end();
  expect(await child.stdout.text()).toBe("hello");
  expect(await child.exited).toBe(0);
});

test("spawnDetached starts a session of its own, with the given descriptors and no other", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bocker-spawn-"));
  const output = join(folder, "out");
  const fd = openSync(output, "w");
  const other = openSync("/dev/null", "r");
  try {
    const script = "cut -d' ' -f6 /proc/$$/stat; ls /proc/$$/fd | tr '\\n' ' '; pwd; echo done >&3";
    const { pid } = spawnDetached(["sh", "-c", script], { stdio: ["ignore", fd, fd, fd] });
    for (let i = 0; i < 2000 && !readFileSync(output, "utf8").includes("done"); i++) await Bun.sleep(10);
    const [session, descriptors = ""] = readFileSync(output, "utf8").split("\n");
    expect(session).toBe(String(pid));
    expect(descriptors).toBe("0 1 2 3 /");
  } finally {
    closeSync(fd);
    closeSync(other);
    rmSync(folder, { recursive: true });
  }
});

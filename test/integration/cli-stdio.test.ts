/**
 * Standard streams of a container: kept apart, binary-clean, lossless in both directions, with bounded memory.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

const quiet = ["run", "--rm", "--network", "none"] as const;

test("stdout and stderr stay apart", async () => {
  const { stdout, stderr } = await bocker.run(
    ...quiet,
    "busybox",
    "sh",
    "-c",
    "echo out; echo err >&2; echo out2",
  );
  expect({ stdout, stderr }).toEqual({ stdout: "out\nout2\n", stderr: "err\n" });
});

test("without -i the command's input is empty at once", async () => {
  const { stdout } = await bocker.runWith({ stdin: "not for it" }, ...quiet, "busybox", "sh", "-c", "wc -c");
  expect(stdout.trim()).toBe("0");
});

test("every byte value goes through -i unchanged", async () => {
  const all = new Uint8Array(256 * 64).map((_, at) => (at * 7 + (at >> 8)) & 255);
  const { stdoutBytes } = await bocker.runWith({ stdin: all }, ...quiet, "-i", "busybox", "cat");
  expect(Buffer.compare(stdoutBytes, all)).toBe(0);
});

test("the end of input reaches the command although it goes on writing", async () => {
  const { stdout } = await bocker.runWith(
    { stdin: "x" },
    ...quiet,
    "-i",
    "busybox",
    "sh",
    "-c",
    "cat; sleep 0.2; echo after",
  );
  expect(stdout).toBe("xafter\n");
});

test("a command that does not read its input does not hang on it", async () => {
  const input = new Uint8Array(4 << 20);
  const { exitCode, stdout } = await bocker.runWith(
    { stdin: input },
    ...quiet,
    "-i",
    "busybox",
    "echo",
    "done",
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "done\n" });
});

test("the last words before the exit are not lost", async () => {
  for (let round = 0; round < 10; round++) {
    const { stdout } = await bocker.run(...quiet, "busybox", "sh", "-c", "seq 1 20000");
    expect(stdout.length).toBe(108_894);
    expect(stdout).toEndWith("\n20000\n");
  }
});

test("a gigabyte out, without growing", async () => {
  const child = bocker.spawn(
    [
      ...quiet,
      "--log-driver",
      "none",
      "--name",
      "flood",
      "busybox",
      "dd",
      "if=/dev/zero",
      "bs=1M",
      "count=1024",
    ],
    { timeoutMs: 120_000 },
  );
  let bytes = 0;
  let largest = 0;
  let chunks = 0;
  for await (const chunk of child.stdout) {
    bytes += chunk.length;
    if (chunks++ % 256 === 0) largest = Math.max(largest, largestProcess(bocker.root));
  }
  expect(await child.exited).toBe(0);
  expect(bytes).toBe(1 << 30);
  expect(largest).toBeLessThan(100 << 20);
}, 120_000);

test("half a gigabyte in, without growing", async () => {
  const child = bocker.spawn([...quiet, "-i", "busybox", "wc", "-c"], { timeoutMs: 120_000 });
  const block = new Uint8Array(1 << 20);
  let largest = 0;
  for (let sent = 0; sent < 512; sent++) {
    child.stdin.write(block);
    await child.stdin.flush();
    if (sent % 64 === 0) largest = Math.max(largest, largestProcess(bocker.root));
  }
  await child.stdin.end();
  expect((await child.stdout.text()).trim()).toBe(String(512 << 20));
  expect(largest).toBeLessThan(100 << 20);
}, 120_000);

test("a reader that stops holds the writer back, and nothing is buffered without end", async () => {
  const child = bocker.spawn(
    [...quiet, "--log-driver", "none", "busybox", "dd", "if=/dev/zero", "bs=1M", "count=256"],
    {
      timeoutMs: 60_000,
    },
  );
  await Bun.sleep(1500);
  expect(largestProcess(bocker.root)).toBeLessThan(100 << 20);
  expect((await child.stdout.bytes()).length).toBe(256 << 20);
}, 60_000);

test("a reader that goes away ends the command with SIGPIPE or an error, not a hang", async () => {
  const shell = Bun.spawn(
    [
      "sh",
      "-c",
      `"$0" ${quiet.join(" ")} busybox yes | head -n 1`,
      process.env.BOCKER_BINARY ?? `${process.cwd()}/dist/bocker`,
    ],
    {
      env: { ...bocker.env },
      stdout: "pipe",
      stderr: "ignore",
      timeout: 20_000,
    },
  );
  expect(await shell.stdout.text()).toBe("y\n");
  await shell.exited;
  expect(shell.signalCode).toBeNull();
});

/** The largest anonymous memory, in bytes, of a process that works for this state root. */
function largestProcess(root: string): number {
  const sizes = readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .map((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, "utf8").includes(`BOCKER_ROOT=${root}`)) return 0;
        return Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
      } catch {
        return 0;
      }
    });
  return Math.max(...sizes);
}

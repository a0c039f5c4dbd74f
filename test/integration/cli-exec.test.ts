/**
 * `exec`: another process in a container that runs, in all its namespaces, its cgroup and its restrictions.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { parseProbe, probeScript } from "../lib/probe.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(async () => {
  bocker = openWorkspace();
  await bocker.ok(
    "run",
    "-d",
    "--name",
    "base",
    "--network",
    "none",
    "-e",
    "FROM=run",
    "-w",
    "/tmp",
    "busybox",
    "sleep",
    "1000",
  );
});
afterAll(() => bocker[Symbol.asyncDispose]());

test("streams, words and exit code pass", async () => {
  const { exitCode, stdout, stderr } = await bocker.run(
    "exec",
    "base",
    "sh",
    "-c",
    'echo "$1"; echo e >&2; exit 6',
    "sh",
    "a  b",
  );
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 6, stdout: "a  b\n", stderr: "e\n" });
});

test("sees what the container's first process sees", async () => {
  const facts = parseProbe(await bocker.ok("exec", "base", "sh", "-c", probeScript));
  const first = parseProbe(
    await bocker.ok("exec", "base", "sh", "-c", probeScript.replaceAll("/proc/self", "/proc/1")),
  );
  expect(facts.namespaces).toEqual(first.namespaces);
  expect(facts.cgroup).toEqual(first.cgroup);
  for (const key of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"]) {
    expect([key, facts.status[key]]).toEqual([key, first.status[key]]);
  }
  expect(facts.env).toMatchObject({ FROM: "run", HOME: "/root" });
  expect(facts.cwd).toBe("/tmp");
  // 3 is the directory that ls itself reads.
  expect(facts.descriptors.filter((fd) => fd > 3 && fd !== 10)).toEqual([]);
  expect(facts.processes.some((line) => line.includes("sleep 1000"))).toBe(true);
});

test("-e, -u and -w", async () => {
  const { stdout } = await bocker.run(
    "exec",
    "-e",
    "X=1",
    "-u",
    "1:2",
    "-w",
    "/etc",
    "base",
    "sh",
    "-c",
    "echo $X $(id -u):$(id -g) $(pwd)",
  );
  expect(stdout).toBe("1 1:2 /etc\n");
});

test("-i carries input; without it there is none", async () => {
  expect((await bocker.runWith({ stdin: "hello" }, "exec", "-i", "base", "cat")).stdout).toBe("hello");
  expect((await bocker.runWith({ stdin: "hello" }, "exec", "base", "cat")).stdout).toBe("");
});

test("-d comes back at once and leaves the process running", async () => {
  await bocker.ok("exec", "-d", "base", "sh", "-c", "echo $$ > /tmp/pid; exec sleep 500");
  for (let tries = 0; tries < 500; tries++) {
    const { stdout } = await bocker.run(
      "exec",
      "base",
      "sh",
      "-c",
      "cat /proc/$(cat /tmp/pid)/cmdline | tr '\\0' ' '",
    );
    if (stdout.startsWith("sleep 500")) return;
    await Bun.sleep(50);
  }
  throw new Error("the detached process is not there");
});

test.each([
  ["no-such", 127, /"no-such": executable file not found in \$PATH/],
  ["/etc/passwd", 126, /permission denied/],
] as const)("%s: exit %i", async (command, expected, says) => {
  const { exitCode, stderr } = await bocker.run("exec", "base", command);
  expect(stderr).toMatch(says);
  expect(exitCode).toBe(expected);
});

test("in a container that does not run", async () => {
  await bocker.ok("create", "--name", "cold", "busybox");
  const { exitCode, stderr } = await bocker.run("exec", "cold", "true");
  expect(stderr).toMatch(/container [0-9a-f]+ is not running/i);
  expect(exitCode).toBe(1);
  await bocker.ok("rm", "cold");
});

test("killed by a signal: 128 + n", async () => {
  expect((await bocker.run("exec", "base", "sh", "-c", "kill -9 $$")).exitCode).toBe(137);
});

test("processes of exec end with the container", async () => {
  await bocker.ok("run", "-d", "--name", "short", "--network", "none", "busybox", "sleep", "1000");
  const child = bocker.spawn(["exec", "short", "sh", "-c", "echo runs; exec sleep 1000"]);
  expect(new TextDecoder().decode((await child.stdout.getReader().read()).value)).toBe("runs\n");
  await bocker.ok("rm", "-f", "short");
  expect(await child.exited).toBe(137);
  // The other container's.
  const isOfBase = (line: string) => line.includes("cgroup") || line.startsWith("process");
  expect(await bocker.leftovers(isOfBase)).toEqual([]);
});

test("docker's exit codes for what cannot be: a user 126, a variable 125", async () => {
  const user = await bocker.run("exec", "-u", "nobody-here", "base", "true");
  expect(user.stderr).toContain("unable to find user nobody-here: no matching entries in passwd file");
  expect(user.exitCode).toBe(126);
  const variable = await bocker.run("exec", "-e", "=x", "base", "true");
  expect(variable.stderr).toContain(
    'invalid argument "=x" for "-e, --env" flag: invalid environment variable: =x',
  );
  expect(variable.exitCode).toBe(125);
});

test("--env-file gives variables, -e wins, a bare name takes the caller's", async () => {
  await Bun.write(`${bocker.directory}/vars`, "A=file\n# c\nB=file\nHERE\nNOT_THERE\n");
  const flags = [
    "--env-file",
    "vars",
    "-e",
    "B=flag",
    "base",
    "sh",
    "-c",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    "echo $A $B $HERE ${NOT_THERE-unset}",
  ];
  const { stdout } = await bocker.runWith({ env: { HERE: "host" } }, "exec", ...flags);
  expect(stdout).toBe("file flag host unset\n");
  const missing = await bocker.run("exec", "--env-file", "absent", "base", "true");
  expect([missing.exitCode, missing.stderr]).toEqual([1, "Error: open absent: no such file or directory\n"]);
});

test("--privileged: every capability and no filter, for this process alone", async () => {
  const status = async (...flags: string[]) =>
    parseProbe(await bocker.ok("exec", ...flags, "base", "sh", "-c", probeScript)).status;
  const [plain, privileged] = [await status(), await status("--privileged")];
  expect(plain).toMatchObject({ CapEff: "00000000a80425fb", Seccomp: "2" });
  expect(privileged.Seccomp).toBe("0");
  expect(privileged.CapEff).toBe(privileged.CapBnd ?? "");
  expect(BigInt(`0x${privileged.CapEff}`)).toBeGreaterThan(BigInt(`0x${plain.CapEff}`));
});

test("detach keys that are none are refused before anything runs", async () => {
  const { exitCode, stderr } = await bocker.run(
    "exec",
    "--detach-keys",
    "ctrl-1",
    "base",
    "touch",
    "/tmp/ran",
  );
  expect(exitCode).toBe(1);
  expect(stderr).toContain("invalid detach keys (ctrl-1) provided");
  expect((await bocker.run("exec", "base", "test", "-e", "/tmp/ran")).exitCode).toBe(1);
});

test("detach keys leave the process running", async () => {
  await using session = bocker.terminal(
    "exec",
    "-it",
    "--detach-keys",
    "ctrl-x",
    "base",
    "sh",
    "-c",
    "echo on; exec sleep 77",
  );
  await session.waitFor("on");
  session.type("\x18");
  expect(await session.exited).toBe(0);
  expect(await bocker.ok("top", "base")).toContain("sleep 77");
});

test("--preserve-fds passes descriptors on from number 3, and no other", async () => {
  const exec = (words: readonly string[], ...passed: readonly number[]) => {
    const done = Bun.spawnSync([bockerBinary(), "exec", ...words], {
      env: { ...bocker.env },
      stdio: ["ignore", "pipe", "pipe", ...passed],
    });
    return { exitCode: done.exitCode, stdout: done.stdout.toString(), stderr: done.stderr.toString() };
  };
  const file = join(bocker.directory, "passed");
  writeFileSync(file, "content");
  const [first, second] = [openSync("/dev/null", "r"), openSync(file, "r")];
  try {
    const command = ["base", "sh", "-c", "cat <&4; ls /proc/self/fd"];
    expect(exec(["--preserve-fds=2", ...command], first, second).stdout).toBe("content0\n1\n2\n3\n4\n5\n");
    expect(exec(["--preserve-fds=1", ...command], first, second).stdout).toBe("0\n1\n2\n3\n4\n");
    expect(exec(["--preserve-fds=1", ...command])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("cannot pass descriptor 3 on: it is not open"),
    });
    expect(exec(["--preserve-fds=-1", ...command]).stderr).toContain(
      'invalid argument "-1" for "--preserve-fds" flag: it must not be negative',
    );
    expect(exec(["-d", "--preserve-fds=1", ...command], first).stderr).toContain(
      "cannot specify both --detach and --preserve-fds",
    );
  } finally {
    closeSync(first);
    closeSync(second);
  }
});

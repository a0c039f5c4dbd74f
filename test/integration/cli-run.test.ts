/**
 * `run` in the foreground: exit codes, what the command sees, and what is left afterwards. docker's behaviour.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

/** `run --rm --network none FLAGS busybox COMMAND`. */
const run = (flags: readonly string[], ...command: readonly string[]) =>
  bocker.run("run", "--rm", "--network", "none", ...flags, "busybox", ...command);

describe("exit codes", () => {
  test.each([
    ["true", ["true"], 0],
    ["false", ["false"], 1],
    ["its own", ["sh", "-c", "exit 42"], 42],
    ["255", ["sh", "-c", "exit 255"], 255],
    ["a signal to itself", ["sh", "-c", "kill -9 $$; exit 4"], 4],
    ["not found", ["no-such-command"], 127],
    ["not found by path", ["/no/such"], 127],
    ["not executable", ["/etc/passwd"], 126],
    ["a directory", ["/etc"], 126],
  ] as const)("%s", async (_, command, expected) => {
    const { exitCode } = await run([], ...command);
    // PID 1 of a pid namespace is deaf to signals it sends itself, SIGKILL included; the shell goes on.
    expect(exitCode).toBe(expected);
  });

  test("killed from outside: 128 + 9", async () => {
    const child = bocker.spawn([
      "run",
      "--rm",
      "--network",
      "none",
      "--name",
      "victim",
      "busybox",
      "sleep",
      "60",
    ]);
    await runningSoon("victim");
    await bocker.ok("kill", "victim");
    expect(await child.exited).toBe(137);
  });

  test("the words for not found and not executable are docker's", async () => {
    const missing = await run([], "no-such-command");
    expect(missing.stderr).toContain('exec: "no-such-command": executable file not found in $PATH');
    const plain = await run([], "/etc/passwd");
    expect(plain.stderr).toMatch(/"\/etc\/passwd": permission denied/);
  });
});

describe("what the command sees", () => {
  test("its words, unchanged", async () => {
    const words = ["a b", "", "$HOME", '"q"', "-x", "--name", "é\t"];
    const { stdout } = await run([], "sh", "-c", 'for w; do printf "<%s>" "$w"; done', "sh", ...words);
    expect(stdout).toBe(words.map((word) => `<${word}>`).join(""));
  });

  test("options after the image belong to it", async () => {
    const { stdout } = await run([], "echo", "--rm", "-d", "--help");
    expect(stdout).toBe("--rm -d --help\n");
  });

  test("environment: -e, bare names, files, and later wins", async () => {
    const file = join(bocker.directory, "env");
    writeFileSync(file, "# a comment\nA=file\nB=with spaces and # sign\n\nFROM_HOST\n");
    const { stdout } = await bocker.runWith(
      { env: { FROM_HOST: "host", TAKEN: "yes" } },
      ...[
        "run",
        "--rm",
        "--network",
        "none",
        "--env-file",
        file,
        "-e",
        "A=flag",
        "-e",
        "TAKEN",
        "-e",
        "ABSENT",
        "busybox",
        "env",
      ],
    );
    const env = new Map(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split("=", 2) as [string, string]),
    );
    expect(Object.fromEntries(env)).toMatchObject({
      A: "flag",
      B: "with spaces and # sign",
      FROM_HOST: "host",
      TAKEN: "yes",
      HOME: "/root",
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    });
    expect(env.has("ABSENT")).toBe(false);
    expect(env.get("HOSTNAME")).toMatch(/^[0-9a-f]{12}$/);
    expect(env.has("BOCKER_ROOT")).toBe(false);
  });

  test("-w, made when it is missing", async () => {
    expect((await run(["-w", "/a/new/place"], "pwd")).stdout).toBe("/a/new/place\n");
  });

  test("-h and the files about names", async () => {
    const { stdout } = await run(["-h", "box.example"], "sh", "-c", "hostname; cat /etc/hostname");
    expect(stdout).toBe("box.example\nbox.example\n");
  });

  test.each([
    [["-u", "1000:1001"], "uid=1000 gid=1001"],
    [["-u", "daemon"], "uid=1(daemon) gid=1(daemon)"],
    [["-u", "0:daemon"], "uid=0(root) gid=1(daemon)"],
  ])("user %p", async (flags, expected) => {
    expect((await run(flags, "id")).stdout).toStartWith(expected);
  });

  test("--entrypoint replaces, and drops the image's command", async () => {
    expect((await run(["--entrypoint", "echo"], "hello")).stdout).toBe("hello\n");
    expect((await run(["--entrypoint", "echo"])).stdout).toBe("\n");
  });

  test("--read-only makes the root read-only, /dev/shm and volumes aside", async () => {
    const { stdout, stderr } = await run(
      ["--read-only"],
      "sh",
      "-c",
      "touch /x || echo refused; touch /dev/shm/y && echo shm",
    );
    expect(stdout).toBe("refused\nshm\n");
    expect(stderr).toContain("Read-only file system");
  });

  test("--init: PID 1 reaps and passes signals on", async () => {
    const script = "cat /proc/1/comm; (sh -c 'sleep 0.05' & ); sleep 0.2; ps -o pid,stat | grep -c Z";
    const { stdout } = await run(["--init"], "sh", "-c", script);
    expect(stdout.split("\n")[0]).not.toBe("sh");
    expect(stdout).toEndWith("\n0\n");
  });
});

describe("names and leftovers", () => {
  test("--rm leaves no container, no --rm leaves one", async () => {
    await run(["--name", "gone"], "true");
    await bocker.ok("run", "--network", "none", "--name", "kept", "busybox", "true");
    const names = await bocker.ok("ps", "-a", "--format", "{{.Names}}");
    expect(names.split("\n")).toContain("kept");
    expect(names.split("\n")).not.toContain("gone");
    expect((await bocker.inspect("kept")).State).toMatchObject({
      Status: "exited",
      ExitCode: 0,
      Running: false,
    });
    await bocker.ok("rm", "kept");
  });

  test("a name in use: docker's words, 125, and nothing new", async () => {
    await bocker.ok("create", "--name", "twice", "busybox");
    const { exitCode, stderr } = await bocker.run("run", "--name", "twice", "busybox", "true");
    expect(exitCode).toBe(125);
    expect(stderr).toMatch(
      /[Cc]onflict\. The container name "\/?twice" is already in use by container "?[0-9a-f]{12,64}/,
    );
    expect((await bocker.ok("ps", "-aq")).split("\n")).toHaveLength(1);
    await bocker.ok("rm", "twice");
  });

  test("--cidfile holds the id, and is never overwritten", async () => {
    const file = join(bocker.directory, "cid");
    const id = await bocker.ok("run", "-d", "--network", "none", "--cidfile", file, "busybox", "true");
    expect(readFileSync(file, "utf8")).toBe(id);
    const again = await run(["--cidfile", file], "true");
    expect(again.exitCode).toBe(125);
    expect(again.stderr).toContain(file);
    await bocker.ok("rm", "-f", id);
  });

  test("a failed start leaves no container with --rm", async () => {
    await run(["--name", "failed"], "no-such-command");
    expect(await bocker.ok("ps", "-aq")).toBe("");
    expect(await bocker.leftovers()).toEqual([]);
  });

  test("--pull never says so and fails with 125", async () => {
    const { exitCode, stderr } = await bocker.run("run", "--pull", "never", "no-such-image:1", "true");
    expect(exitCode).toBe(125);
    expect(stderr).toContain("No such image: no-such-image:1");
  });

  test("state stays below the state root", async () => {
    await run([], "true");
    expect(existsSync(join(bocker.root, "state.db"))).toBe(true);
    expect(await bocker.leftovers()).toEqual([]);
  });
});

describe("signals to the CLI", () => {
  test.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"] as const)("%s reaches the command", async (signal) => {
    const name = `sig-${signal.toLowerCase()}`;
    const short = signal.slice(3);
    const script = `trap 'echo got ${short}; exit 9' ${short}; echo ready; while :; do sleep 0.02; done`;
    const child = bocker.spawn([
      "run",
      "--rm",
      "--network",
      "none",
      "--name",
      name,
      "busybox",
      "sh",
      "-c",
      script,
    ]);
    const reader = child.stdout.getReader();
    const text = new TextDecoder();
    let seen = "";
    while (!seen.includes("ready")) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`it ended: ${await child.stderr.text()}`);
      seen += text.decode(value);
    }
    child.kill(signal);
    expect(await child.exited).toBe(9);
    for (let next = await reader.read(); !next.done; next = await reader.read())
      seen += text.decode(next.value);
    expect(seen).toBe(`ready\ngot ${short}\n`);
  });
});

/** Waits until the container runs. */
async function runningSoon(name: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    const { exitCode, stdout } = await bocker.run("inspect", "--format", "{{.State.Running}}", name);
    if (exitCode === 0 && stdout.trim() === "true") return;
    await Bun.sleep(20);
  }
  throw new Error(`${name} did not start`);
}

test("every user of a container resolves names, whatever the umask that bocker was started with", () => {
  const { env, directory: cwd } = bocker;
  const words = [
    bockerBinary(),
    "run",
    "--rm",
    "--user",
    "nobody",
    "busybox",
    "cat",
    "/etc/hosts",
    "/etc/resolv.conf",
  ];
  const { exitCode } = Bun.spawnSync(["sh", "-c", 'umask 077; exec "$@"', "sh", ...words], { env, cwd });
  expect(exitCode).toBe(0);
});

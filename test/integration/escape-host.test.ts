/**
 * What is the engine's on the host and no container's, nor another user's: abstract sockets (CVE-2020-15257), the user's
 * terminal (TIOCSTI), state directories, secrets and variables in files and command lines.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { hostilePrograms } from "../lib/hostile-program.ts";
import { openTerminal } from "../lib/terminal-session.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let programs: readonly string[];

beforeAll(async () => {
  bocker = openWorkspace();
  programs = hostilePrograms(bocker, "attempt");
  const flags = ["--network", "host", "-e", "PASSWORD=tr0ub4dor", ...programs];
  await bocker.ok("run", "-d", "--name", "web", ...flags, "busybox", "sleep", "120");
});
afterAll(() => bocker[Symbol.asyncDispose]());

const nobody = (...command: readonly string[]) =>
  Bun.spawnSync(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", ...command]);

test("the engine listens on no abstract socket, which a container on the host's network could reach", async () => {
  const own = await bocker.ok("exec", "web", "cat", "/proc/net/unix");
  const abstract = own.split("\n").filter((line) => line.includes(" @") && line.includes(bocker.directory));
  expect(abstract).toEqual([]);
  const pids = new Set(enginePids());
  const inodes = [...pids].flatMap((pid) => socketsOf(pid));
  const lines = own.split("\n").filter((line) => inodes.includes(line.split(/\s+/)[6] ?? ""));
  expect(inodes.length).toBeGreaterThan(0);
  expect(lines.filter((line) => line.includes("@"))).toEqual([]);
});

/** Monitors and what else has our directories in its environment. */
function enginePids(): readonly number[] {
  const ofOurs = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").includes(`BOCKER_ROOT=${bocker.root}`);
    } catch {
      return false;
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && ofOurs(name))
    .map(Number);
}

function socketsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  const { stdout } = Bun.spawnSync(["ls", "-l", folder]);
  return [...stdout.toString().matchAll(/socket:\[(\d+)\]/g)].map(([, inode = ""]) => inode);
}

test("no other user gets into the state and run directories", () => {
  for (const path of [bocker.root, bocker.runRoot]) {
    const inner = readdirSync(path).map((name) => join(path, name));
    for (const each of inner) {
      const stat = lstatSync(each);
      const open = nobody(stat.isDirectory() ? "ls" : "cat", each);
      expect([each, open.exitCode === 0 && !/\.lock$/.test(each)]).toEqual([each, false]);
    }
  }
});

test("configuration, log and variables of a container are root's alone to read", () => {
  const found = nobody("find", bocker.root, bocker.runRoot, "-readable", "-type", "f");
  expect(found.stdout.toString()).toBe("");
  const grep = nobody("grep", "-rl", "tr0ub4dor", bocker.root, bocker.runRoot);
  expect(grep.stdout.toString()).toBe("");
});

test("a variable's value is in no command line while the container runs", () => {
  const lines = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return "";
      }
    });
  expect(lines.filter((line) => line.includes("tr0ub4dor"))).toEqual([]);
});

const asks = ["/hostile/attempt", "tiocsti", "tiocsti-tty"];

/** A person's shell that runs this, and shows what is typed into it afterwards. */
const shell = (words: readonly string[]) =>
  openTerminal(["sh", "-c", `${bockerBinary()} ${words.join(" ")}; read -t 1 line; echo "typed: [$line]"`], {
    env: bocker.env,
    cwd: bocker.directory,
  });

test.each(["--rm", "-i", "-it"])(
  "run %s: keys pushed into the terminal are not the caller's (TIOCSTI)",
  async (flag) => {
    const words = ["run", "--rm", "--network", "none", flag, ...programs, "busybox", ...asks];
    await using session = shell(words);
    await session.waitFor(/tiocsti-tty (ok|E\w+)/, 15_000);
    await session.waitFor("typed: []", 15_000);
  },
);

test("exec does not give the caller's terminal away", async () => {
  for (const flags of [["exec"], ["exec", "-i"], ["exec", "-it"]]) {
    await using session = shell([...flags, "web", ...asks]);
    await session.waitFor(/tiocsti-tty (ok|E\w+)/, 15_000);
    await session.waitFor("typed: []", 15_000);
  }
}, 60_000);

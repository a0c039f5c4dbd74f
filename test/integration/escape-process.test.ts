/**
 * Hostile containers that go for the engine's own processes as they come in: their program file, descriptors, working
 * directory, memory. CVE-2019-5736, CVE-2016-9962, CVE-2024-21626; exec into a container that traces.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { hostilePrograms } from "../lib/hostile-program.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let programs: readonly string[];
/** Of the file that was the executable at the start: another build may take its place meanwhile. */
let executable: number;
let digest: string;
const ownDigest = () =>
  createHash("sha256")
    .update(readFileSync(`/proc/self/fd/${executable}`))
    .digest("hex");

beforeAll(() => {
  bocker = openWorkspace();
  programs = hostilePrograms(bocker, "watch");
  executable = openSync(bockerBinary(), "r");
  digest = ownDigest();
});
afterAll(() => {
  closeSync(executable);
  return bocker[Symbol.asyncDispose]();
});

/** What a watcher with these flags got of a dozen processes that came into its container. */
async function preyOf(
  name: string,
  watcher: string,
  ...flags: readonly string[]
): Promise<readonly string[]> {
  const script = `printf '#!/proc/self/exe\\n' > /evil; chmod +x /evil; exec ${watcher}`;
  const where = ["--network", "none", "--init", ...programs, ...flags];
  await bocker.ok("run", "-d", "--name", name, ...where, "busybox", "sh", "-c", script);
  await bocker.run("exec", name, "sh", "-c", "until [ -x /evil ]; do :; done");
  // The watcher may have the container's own programs open for writing: then they do not run.
  for (let times = 0; times < 6; times++) await bocker.run("exec", name, "true");
  await bocker.run("exec", "-d", name, "true");
  if (flags.length > 0) {
    await bocker.run("exec", name, "/evil");
    await bocker.run("exec", name, "/proc/self/exe", "true");
  }
  const seen = (await bocker.ok("logs", name)).split("\n").filter((line) => line !== "watching");
  await bocker.ok("rm", "-f", name);
  return seen;
}

test("by default nothing of a process that joins can be had before it runs its command", async () => {
  const seen = await preyOf("plain", "/hostile/watch seize");
  const own = /^((exe|write|seized) \/s?bin\/|fd (pipe:|\/dev\/|\/proc|socket:)|root \/)/;
  expect(seen.filter((line) => !own.test(line))).toEqual([]);
}, 60_000);

test("with CAP_SYS_PTRACE: the sealed copy of init, the container's own cgroups; nothing to write, no way out", async () => {
  const seen = await preyOf("tracer", "/hostile/watch", "--cap-add", "SYS_PTRACE");
  const harmless =
    /^((exe|write) \/s?bin\/|exe \/memfd:bocker-init|fd (pipe:|\/dev\/|\/proc|socket:|anon_inode:|\/memfd:bocker-tape|\/sys\/fs\/cgroup\/[^ ]*\/tasks$)|root \/$)/;
  expect(seen.filter((line) => !harmless.test(line))).toEqual([]);
}, 60_000);

test("#!/proc/self/exe as the first command and as a link is nobody's but the container's", async () => {
  const script =
    "printf '#!/proc/self/exe\\n' > /evil; chmod +x /evil; ln -s /proc/self/exe /link; readlink -f /proc/self/exe";
  expect(
    await bocker.ok("run", "--name", "shebang", "--network", "none", "busybox", "sh", "-c", script),
  ).toMatch(/^\/bin\//);
  await bocker.ok("commit", "shebang", "shebang:1");
  for (const command of ["/evil", "/link", "/proc/self/exe"]) {
    const { stdout, stderr } = await bocker.run(
      "run",
      "--rm",
      "--network",
      "none",
      "shebang:1",
      command,
      "version",
    );
    expect([command, stdout]).toEqual([command, ""]);
    expect(stderr).not.toContain("Usage:");
  }
  await bocker.ok("rm", "shebang");
});

test("the executable is what it was", () => expect(ownDigest()).toBe(digest));

test("a working directory by a descriptor leads nowhere (CVE-2024-21626)", async () => {
  for (const fd of [3, 5, 6, 7, 8, 9, 11]) {
    const cwd = `/proc/self/fd/${fd}`;
    const { exitCode } = await bocker.run("run", "--rm", "--network", "none", "-w", cwd, "busybox", "pwd");
    expect([cwd, exitCode]).not.toEqual([cwd, 0]);
  }
}, 60_000);

test("nor does one of an image, by a link, nor one of exec", async () => {
  await bocker.ok("run", "-d", "--name", "cwd", "--network", "none", "busybox", "sleep", "60");
  await bocker.ok("exec", "cwd", "sh", "-c", "for n in 3 4 5 6 7 8 9; do ln -s /proc/self/fd/$n /fd$n; done");
  for (const fd of [3, 4, 5, 6, 7, 8, 9]) {
    const { exitCode } = await bocker.run("exec", "-w", `/fd${fd}`, "cwd", "pwd");
    expect([fd, exitCode]).not.toEqual([fd, 0]);
  }
  await bocker.ok("commit", "-c", "WORKDIR /fd7", "cwd", "cwd:1");
  expect((await bocker.run("run", "--rm", "--network", "none", "cwd:1", "pwd")).exitCode).not.toBe(0);
  await bocker.ok("rm", "-f", "cwd");
}, 60_000);

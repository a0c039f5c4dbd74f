/**
 * Hostile images and volumes whose links stand where the engine mounts, masks, binds and copies. CVE-2021-30465,
 * CVE-2019-16884, CVE-2023-27561, CVE-2023-28642, CVE-2025-31133, CVE-2025-52565, CVE-2025-52881.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostilePrograms } from "../lib/hostile-program.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let programs: readonly string[];
let outside: string;
const corePattern = readFileSync("/proc/sys/kernel/core_pattern", "utf8");

beforeAll(() => {
  bocker = openWorkspace();
  programs = hostilePrograms(bocker, "exchange");
  outside = join(bocker.directory, "outside");
  mkdirSync(outside);
});
afterAll(() => bocker[Symbol.asyncDispose]());

beforeEach(() => writeFileSync(join(outside, "sentinel"), "the host's\n"));
afterEach(() => {
  expect(readdirSync(outside)).toEqual(["sentinel"]);
  expect(readFileSync(join(outside, "sentinel"), "utf8")).toBe("the host's\n");
  expect(readFileSync("/proc/sys/kernel/core_pattern", "utf8")).toBe(corePattern);
});

/** An image made by a script in busybox, with instructions. */
async function image(name: string, script: string, ...changes: readonly string[]): Promise<string> {
  await bocker.ok("run", "--name", `make-${name}`, "--network", "none", "busybox", "sh", "-c", script);
  await bocker.ok("commit", ...changes.flatMap((change) => ["-c", change]), `make-${name}`, `${name}:1`);
  await bocker.ok("rm", `make-${name}`);
  return `${name}:1`;
}

const run = (...words: readonly string[]) => bocker.run("run", "--rm", "--network", "none", ...words);

test("a directory and a link out of a shared volume that change places while others mount there (CVE-2021-30465)", async () => {
  const setup = `mkdir /v/dir; ln -s ${"../".repeat(20)}${outside.slice(1)} /v/link`;
  await bocker.ok("run", "--rm", "--network", "none", "-v", "raced:/v", "busybox", "sh", "-c", setup);
  const where = ["--network", "none", "-v", "raced:/v", ...programs];
  await bocker.ok(
    "run",
    "-d",
    "--name",
    "racer",
    ...where,
    "busybox",
    "/hostile/exchange",
    "/v/dir",
    "/v/link",
  );
  const inner = join(bocker.directory, "inner");
  mkdirSync(inner);
  for (let times = 0; times < 15; times++) {
    const flags = ["-v", "raced:/v", "-v", `${inner}:/v/dir/made`, "--tmpfs", "/v/dir/tmp"];
    const { stdout } = await run(...flags, "busybox", "sh", "-c", `ls ${outside} 2>/dev/null; true`);
    expect(stdout).not.toContain("sentinel");
  }
  await bocker.ok("rm", "-f", "racer");
  await bocker.ok("volume", "rm", "raced");
}, 60_000);

test("a volume that is being filled while another container swaps its directories for links", async () => {
  const files =
    "mkdir -p /full/d; for i in 1 2 3 4 5 6 7 8 9; do mkdir /full/d/$i; echo evil > /full/d/$i/planted; done";
  const full = await image("full", files);
  // It waits for what the engine makes, and puts a link in its place.
  const swap = `while :; do for i in 1 2 3 4 5 6 7 8 9; do if [ -d /v/d/$i ]; then mv /v/d/$i /v/away$i; ln -s ${outside} /v/d/$i; fi; done; done`;
  for (let times = 0; times < 3; times++) {
    const name = `swapper${times}`;
    await bocker.ok(
      "run",
      "-d",
      "--name",
      name,
      "--network",
      "none",
      "-v",
      `${outside}:${outside}:ro`,
      "-v",
      `${name}:/v`,
      "busybox",
      "sh",
      "-c",
      swap,
    );
    await run("-v", `${name}:/full`, full, "true");
    await bocker.ok("rm", "-f", name);
    await bocker.ok("volume", "rm", name);
  }
}, 60_000);

test.each(["/proc", "/sys"])("an image whose %s is a link is refused (CVE-2023-27561)", async (path) => {
  const name = `link${path.slice(1)}`;
  const directory = join(bocker.directory, name);
  mkdirSync(directory);
  symlinkSync("/elsewhere", join(directory, path.slice(1)));
  mkdirSync(join(directory, "elsewhere"));
  mkdirSync(join(directory, "bin"));
  await Bun.write(join(directory, "bin/sh"), Bun.file("/bin/busybox"), { mode: 0o755 });
  const { exitCode, stderr } = await run("--rootfs", directory, "/bin/sh", "-c", ":");
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining("too many levels of symbolic links")]);
});

test.each(["/proc/sys", "/proc/self/attr", "/proc/thread-self/attr", "/proc/1"])(
  "a link of an image's to %s is no place for a mount (CVE-2019-16884, CVE-2023-28642, CVE-2025-52881)",
  async (target) => {
    const name = `way${target.replace(/\W/g, "")}`;
    const way = await image(name, `ln -s ${target} /way`);
    for (const flags of [
      ["-v", "/way"],
      ["-v", `${outside}:/way`],
      ["--tmpfs", "/way"],
    ]) {
      const { exitCode, stderr } = await run(...flags, way, "true");
      expect([flags, exitCode, stderr]).toEqual([
        flags,
        125,
        expect.stringMatching(/lead into \/proc|inside \/proc|symbolic links/),
      ]);
    }
    expect((await run("-v", `${outside}:${target}`, "busybox", "true")).stderr).toContain("inside /proc");
  },
);

test("a /dev/null that is a link masks nothing, so nothing runs (CVE-2025-31133)", async () => {
  const { stderr: ofFolder } = await run("-v", `${outside}:/dev/null`, "busybox", "true");
  expect(ofFolder).toContain("it is not the null device");
  const dev = join(bocker.directory, "dev");
  mkdirSync(dev);
  symlinkSync("/proc/timer_list", join(dev, "null"));
  const { exitCode, stderr } = await run("-v", `${dev}:/dev`, "busybox", "cat", "/proc/timer_list");
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining("it is not the null device")]);
});

test("masks hold where the null device is a volume's", async () => {
  const dev = join(bocker.directory, "own-dev");
  mkdirSync(dev);
  Bun.spawnSync(["mknod", join(dev, "null"), "c", "1", "3"]);
  const { exitCode, stdout } = await run(
    "-v",
    `${dev}:/dev`,
    "busybox",
    "sh",
    "-c",
    "cat /proc/timer_list /proc/keys; ls -A /sys/firmware",
  );
  expect([exitCode, stdout]).toEqual([0, ""]);
});

test("a terminal's place that is a link brings no file of the host's to /dev/console (CVE-2025-52565)", async () => {
  const pts = join(bocker.directory, "pts");
  mkdirSync(pts);
  symlinkSync("/proc/sys/kernel/core_pattern", join(pts, "0"));
  const script = "grep ' /dev/console ' /proc/self/mountinfo; echo '|/evil' > /dev/console; echo written";
  await using session = bocker.terminal(
    "run",
    "--rm",
    "-it",
    "--network",
    "none",
    "-v",
    `${pts}:/dev/pts`,
    "busybox",
    "sh",
    "-c",
    script,
  );
  await session.exited;
  expect(session.screen).toMatch(/\/dev\/console .* - devpts/);
});

test("sysctls are written to the container's own, whatever a volume shows below /proc/sys", async () => {
  const before = readFileSync("/proc/sys/net/ipv4/ip_default_ttl", "utf8");
  const { stdout } = await run(
    "--sysctl",
    "net.ipv4.ip_default_ttl=77",
    "busybox",
    "cat",
    "/proc/sys/net/ipv4/ip_default_ttl",
  );
  expect(stdout).toBe("77\n");
  expect(readFileSync("/proc/sys/net/ipv4/ip_default_ttl", "utf8")).toBe(before);
});

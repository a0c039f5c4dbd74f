/**
 * Devices of containers: named by CDI files, in folders, and what their access lets through.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
const folder = mkdtempSync(join(tmpdir(), "bocker-device-"));
const cdi = join(folder, "cdi");

beforeAll(() => {
  mkdirSync(cdi);
  mkdirSync(join(folder, "lib"));
  writeFileSync(join(folder, "lib/driver"), "text");
  bocker = openWorkspace({ engineHead: `cdi-spec-dirs = [${JSON.stringify(cdi)}]` });
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await bocker[Symbol.asyncDispose]();
});

const sh = (script: string, ...options: string[]) =>
  bocker.ok("run", "--rm", "--network", "none", ...options, "busybox", "sh", "-c", script);

/** Writes a file for `test.lan/device` with one device. */
function describeDevice(name: string, containerEdits: object, kind = "test.lan/device"): void {
  const file = { cdiVersion: "0.6.0", kind, devices: [{ name, containerEdits }] };
  writeFileSync(join(cdi, `${name}.json`), JSON.stringify(file));
}

test("a CDI device: node, mount, variable and group", async () => {
  describeDevice("plain", {
    env: ["DRIVER=here"],
    deviceNodes: [{ path: "/dev/mine", hostPath: "/dev/zero", permissions: "r" }],
    mounts: [{ hostPath: join(folder, "lib"), containerPath: "/opt/lib", options: ["ro", "bind"] }],
    additionalGids: [77],
  });
  const script =
    "head -c 2 /dev/mine | wc -c; cat /opt/lib/driver; echo; echo $DRIVER; id -G; touch /opt/lib/x 2>&1";
  const text = await bocker.run(
    "run",
    "--rm",
    "--device",
    "test.lan/device=plain",
    "busybox",
    "sh",
    "-c",
    script,
  );
  expect(text.stdout.split("\n").slice(0, 3)).toEqual(["2", "text", "here"]);
  expect(text.stdout).toMatch(/^0 .*\b77$/m);
  expect(text.stdout).toContain("Read-only file system");
  expect(await sh("head -c 2 /dev/mine | wc -c", "--userns=auto", "--device", "test.lan/device=plain")).toBe(
    "2",
  );
});

test("its hooks find the root that is being made, the bundle and the state", async () => {
  const seen = join(folder, "seen");
  const script = `cat > ${seen}; cd "$(sed 's/.*"bundle":"\\([^"]*\\)".*/\\1/' ${seen})" && grep -o '"cwd":"[^"]*"' config.json >> ${seen} && echo made > merged/by-hook`;
  describeDevice("hooked", {
    hooks: [{ hookName: "createContainer", path: "/bin/sh", args: ["sh", "-c", script] }],
  });
  expect(await sh("cat /by-hook", "--device", "test.lan/device=hooked")).toBe("made");
  expect(readFileSync(seen, "utf8")).toMatch(/"status":"creating","pid":\d+,.*"cwd":"\/"/s);
  const mapped = await bocker.run(
    "run",
    "--rm",
    "--userns=auto",
    "--device",
    "test.lan/device=hooked",
    "busybox",
  );
  expect(mapped.stderr).toContain("cannot run the hooks of a CDI device in a user namespace");
});

test("a hook that fails fails the start", async () => {
  describeDevice("failing", {
    hooks: [{ hookName: "createRuntime", path: "/bin/sh", args: ["sh", "-c", "echo no >&2; exit 3"] }],
  });
  const { exitCode, stderr } = await bocker.run(
    "run",
    "--rm",
    "--device",
    "test.lan/device=failing",
    "busybox",
    "true",
  );
  expect(stderr).toContain("error running createRuntime hook #0: exit status 3");
  expect(exitCode).not.toBe(0);
});

test("--gpus takes them from CDI files; inspect shows what was asked", async () => {
  const none = await bocker.run("run", "--rm", "--gpus", "all", "busybox", "true");
  expect(none.stderr).toContain('could not select device driver "" with capabilities: [[gpu]]');
  describeDevice("all", { env: ["GPU=yes"] }, "nvidia.com/gpu");
  expect(await sh("echo $GPU", "--gpus", "all")).toBe("yes");
  await bocker.ok(
    "create",
    "--name",
    "asked",
    "--gpus",
    "all",
    "--device",
    "test.lan/device=plain",
    "busybox",
  );
  expect((await bocker.inspect("asked")).HostConfig.DeviceRequests).toEqual([
    { Driver: "", Count: -1, DeviceIDs: null, Capabilities: [["gpu"]], Options: {} },
    { Driver: "cdi", Count: 0, DeviceIDs: ["test.lan/device=plain"], Capabilities: null, Options: null },
  ]);
  await bocker.ok("rm", "asked");
});

test.each([
  [125, ["--device", "test.lan/device=absent"], "unresolvable CDI devices test.lan/device=absent"],
  // docker's rule: a message that ends so is a 127.
  [127, ["--device", "/dev/not-there"], 'adding custom device "/dev/not-there": no such file or directory'],
  [125, ["--device", "/etc/passwd"], 'adding custom device "/etc/passwd": not a device node'],
])("%p: %p is refused", async (code, options, words) => {
  const { exitCode, stderr } = await bocker.run("run", "--rm", ...options, "busybox", "true");
  expect([exitCode, stderr]).toEqual([code, expect.stringContaining(words)]);
});

test("a folder stands for the devices below it, with the access that is given", async () => {
  const nodes = join(folder, "nodes");
  mkdirSync(join(nodes, "deep"), { recursive: true });
  for (const [path, minor] of [
    ["zero", "5"],
    ["deep/full", "7"],
  ] as const)
    Bun.spawnSync(["mknod", "-m", "666", join(nodes, path), "c", "1", minor]);
  const script = "cd /dev/all && ls -R . | grep -c . ; head -c 1 zero | wc -c; head -c 1 deep/full | wc -c";
  expect(await sh(script, "--device", `${nodes}:/dev/all:r`)).toMatch(/\n1\n1$/);
  const mapped = await sh(
    "head -c 1 /dev/all/zero | wc -c",
    "--userns=auto",
    "--device",
    `${nodes}:/dev/all`,
  );
  expect(mapped).toBe("1");
});

test("--device-cgroup-rule lets nodes be opened that the list does not", async () => {
  const script = "mknod /n c 10 200; dd if=/n of=/dev/null count=0; mknod /m c 4 64; cat /m";
  const run = (...options: string[]) =>
    bocker.run("run", "--rm", "--network", "none", ...options, "busybox", "sh", "-c", script);
  expect((await run()).stderr).toContain("'/n': Operation not permitted");
  const { stderr } = await run("--device-cgroup-rule", "c 10:200 rwm");
  expect(stderr).not.toContain("'/n': Operation not permitted");
  expect(stderr).toContain("'/m': Operation not permitted");
  const wrong = await run("--device-cgroup-rule", "c 10 rwm");
  expect([wrong.exitCode, wrong.stderr]).toEqual([
    125,
    expect.stringContaining("invalid device cgroup format 'c 10 rwm'"),
  ]);
});

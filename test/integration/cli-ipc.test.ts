/**
 * `--ipc`: whose IPC namespace and /dev/shm a container has.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(async () => {
  bocker = openWorkspace();
  const donor = (name: string, ...flags: readonly string[]) =>
    bocker.ok("run", "-d", "--network", "none", ...flags, "--name", name, "busybox", "sleep", "1000");
  await donor("lender", "--ipc", "shareable");
  await donor("keeper");
});
afterAll(() => bocker[Symbol.asyncDispose]());

const script =
  "readlink /proc/self/ns/ipc; cat /dev/shm/note; echo back > /dev/shm/answer; ls -d /home /srv 2>/dev/null";

test.each([[[]], [["--uidmap", "0:100000:65536"]], [["-v", "/srv:/srv", "--read-only"]]])(
  "a shareable container lends its namespace and its /dev/shm, and no other file: %p",
  async (flags) => {
    await bocker.ok(
      "exec",
      "lender",
      "sh",
      "-c",
      "echo note > /dev/shm/note; rm -f /dev/shm/answer; chmod 777 /dev/shm",
    );
    const ownRoot = await bocker.ok(
      "run",
      "--rm",
      ...flags,
      "busybox",
      "sh",
      "-c",
      "ls -d /home /srv 2>/dev/null; true",
    );
    const lines = await bocker.ok(
      "run",
      "--rm",
      "--ipc",
      "container:lender",
      ...flags,
      "busybox",
      "sh",
      "-c",
      `${script}; true`,
    );
    const namespace = await bocker.ok("exec", "lender", "readlink", "/proc/self/ns/ipc");
    expect(lines).toBe([namespace, "note", ownRoot].join("\n").trimEnd());
    expect(await bocker.ok("exec", "lender", "cat", "/dev/shm/answer")).toBe("back");
  },
);

test("what was not made to be shared is not, nor one that does not run", async () => {
  const refused = await bocker.run("run", "--rm", "--ipc", "container:keeper", "busybox", "true");
  expect(refused.exitCode).toBe(125);
  expect(refused.stderr).toBe(
    `bocker: container ${(await bocker.inspect("keeper")).Id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)\n`,
  );
  await bocker.ok("create", "--ipc", "shareable", "--name", "idle", "busybox", "true");
  const idle = await bocker.run("run", "--rm", "--ipc", "container:idle", "busybox", "true");
  expect(idle.exitCode).toBe(125);
  expect(idle.stderr).toContain("non running container: idle");
});

test("host: the host's namespace and its /dev/shm", async () => {
  const text = await bocker.ok("run", "--rm", "--ipc", "host", "busybox", "readlink", "/proc/self/ns/ipc");
  expect(text).toBe(readlinkSync("/proc/self/ns/ipc"));
});

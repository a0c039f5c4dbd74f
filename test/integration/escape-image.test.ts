/**
 * What an image or a container puts in the way of commands that look at its files from the host: devices in place of the
 * files the engine reads, trees deeper than a path can say, names that are no text.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { makeTar, type RawMember } from "../lib/tar-maker.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

/** An image of busybox with these members beside. */
async function makeImage(name: string, ...members: readonly RawMember[]): Promise<void> {
  const base = await bocker.ok("create", "--network", "none", "busybox");
  const { stdoutBytes } = await bocker.run("export", base);
  const kept = Buffer.from(stdoutBytes);
  const stdin = Buffer.concat([kept.subarray(0, kept.length - 1024), makeTar(...members)]);
  const imported = await bocker.runWith({ stdin }, "import", "-", name);
  expect(imported).toMatchObject({ exitCode: 0 });
}

test("a device, a FIFO or a link in place of passwd and group is not opened on the host", async () => {
  // The machine's own disk: what may open it would, and here nobody may.
  for (const [number, type] of ["4", "6", "3"].entries()) {
    const node = { type, mode: 0o666, major: 254, minor: 0 };
    const name = `local/node${number}`;
    await makeImage(name, { ...node, name: "etc/passwd" }, { ...node, name: "etc/group" });
    const ran = await bocker.run("run", "--rm", "--network", "none", name, "true");
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    const asUser = await bocker.run("run", "--rm", "--network", "none", "-u", "bob", name, "true");
    expect(asUser.stderr).toContain("unable to find user bob: no matching entries in passwd file");
  }
}, 60_000);

test("a tree that no path can name keeps no command from its work", async () => {
  const name = "d".repeat(200);
  // From the inside out: a shell's own path would be too long.
  const around = `mkdir t; test ! -e ${name} || mv ${name} t; mv t ${name}`;
  const script = `mkdir /deep; cd /deep; for i in $(seq 30); do ${around}; done`;
  await bocker.ok("run", "--name", "deep", "--network", "none", "busybox", "sh", "-c", script);
  expect(await bocker.run("system", "df")).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await bocker.run("ps", "-s")).toMatchObject({ exitCode: 0, stderr: "" });
  const changes = (await bocker.ok("diff", "deep")).split("\n");
  expect(
    changes
      .filter((line) => line.startsWith("A /deep"))
      .map((line) => line.length)
      .at(-1),
  ).toBe("A /deep".length + 30 * 201);
  const target = join(bocker.directory, "deep.tar");
  expect(await bocker.run("export", "-o", target, "deep")).toMatchObject({ exitCode: 0, stderr: "" });
  // As an image it could not be unpacked anywhere: one line, and nothing of it stays.
  const committed = await bocker.run("commit", "deep", "local/deep");
  expect(committed.exitCode).toBe(1);
  expect(committed.stderr).toMatch(/^Error: cannot apply the container's changes: .*name too long\n$/);
  await bocker.ok("rm", "deep");
  expect(await bocker.ok("images", "-q", "local/deep")).toBe("");
}, 60_000);

test("diff knows a file of the image's again whose name is not UTF-8", async () => {
  const name = Buffer.concat([Buffer.from("odd-"), Buffer.from([0xff])]);
  await makeImage("local/odd", { name, data: "old" });
  const script = "for file in /odd-*; do echo new > $file; done";
  await bocker.ok("run", "--name", "odd", "--network", "none", "local/odd", "sh", "-c", script);
  const { stdoutBytes } = await bocker.run("diff", "odd");
  expect(Buffer.from(stdoutBytes).toString("latin1")).toStartWith("C /odd-");
}, 60_000);

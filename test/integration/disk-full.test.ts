/**
 * A full disk under the state root: one clear line, nothing half done, and a way out without deleting files by hand.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
  mount("-t", "tmpfs", "-o", "size=24m", "tmpfs", bocker.root);
});
afterAll(async () => {
  await bocker.run("rm", "-f", ...(await bocker.ok("ps", "-aq")).split("\n"));
  Bun.spawnSync(["umount", bocker.root]);
  await bocker[Symbol.asyncDispose]();
});

function mount(...words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["mount", ...words]);
  if (exitCode !== 0) throw new Error(`mount ${words.join(" ")}: ${stderr}`);
}

const quiet = ["--network", "none"] as const;
const fill = "dd if=/dev/zero of=/fill bs=64k 2>/dev/null; echo full";

test("a container that has filled it can end, be listed and be removed", async () => {
  expect(await bocker.ok("run", "--rm", ...quiet, "busybox", "sh", "-c", fill)).toBe("full");
  expect(await bocker.ok("ps", "-aq")).toBe("");
  expect(await bocker.ok("run", "--name", "filler", ...quiet, "busybox", "sh", "-c", fill)).toBe("full");
  expect(await bocker.ok("ps", "-a", "--format", "{{.Names}} {{.State}}")).toBe("filler exited");
  expect(await bocker.ok("rm", "filler")).toBe("filler");
  expect(await bocker.ok("run", "--rm", ...quiet, "busybox", "echo", "room")).toBe("room");
});

test("without any space left, one line says which file and what to do", async () => {
  const filler = join(bocker.root, "filler");
  Bun.spawnSync(["dd", "if=/dev/zero", `of=${filler}`, "bs=64k"], { stderr: "ignore" });
  const outcomes = [];
  // The first ones may still live on the reserve.
  for (let times = 0; times < 3; times++) {
    Bun.spawnSync(["dd", "if=/dev/zero", `of=${filler}${times}`, "bs=4k"], { stderr: "ignore" });
    outcomes.push(await bocker.run("create", ...quiet, "busybox"));
  }
  const refused = outcomes.filter(({ exitCode }) => exitCode !== 0);
  expect(refused.length).toBeGreaterThan(0);
  for (const { exitCode, stderr } of refused) {
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/no space left|disk is full/);
    expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
  }
  for (const name of ["", "0", "1", "2"]) rmSync(`${filler}${name}`, { force: true });
  expect(await bocker.ok("run", "--rm", ...quiet, "busybox", "echo", "room")).toBe("room");
});

import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockFile, tryLockFile } from "../../../src/host/lock-file.ts";
import { startCommand } from "../../../src/host/run-command.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bocker-lock-"));
  path = join(folder, "made/lock");
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("one holder at a time; letting go lets the next in; the file stays", () => {
  const first = lockFile(path);
  expect(tryLockFile(path)).toBeUndefined();
  first[Symbol.dispose]();
  const second = tryLockFile(path);
  expect(second).toBeDefined();
  second?.[Symbol.dispose]();
  expect(existsSync(path)).toBe(true);
});

test("waiting ends with a clear error", () => {
  using _held = lockFile(path);
  expect(() => lockFile(path, 20)).toThrow("another process has held it for 20 ms");
});

test("a holder that is killed lets go", async () => {
  const script = `
    import { lockFile } from ${JSON.stringify(join(import.meta.dir, "../../../src/host/lock-file.ts"))};
    lockFile(${JSON.stringify(path)}); console.log("locked"); await Bun.sleep(60_000);`;
  const child = startCommand([process.execPath, "-e", script], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("locked\n");
  expect(tryLockFile(path)).toBeUndefined();
  child.kill("SIGKILL");
  await child.exited;
  using lock = lockFile(path, 1000);
  expect(lock).toBeDefined();
});

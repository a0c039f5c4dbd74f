import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { leftovers, takeHostSnapshot } from "../../lib/host-snapshot.ts";

test("a marked process and a marked temporary directory are found while they last", async () => {
  const before = takeHostSnapshot(["bocker-snapshot-test"]);
  const directory = mkdtempSync("/tmp/bocker-snapshot-test-");
  const child = Bun.spawn(["sleep", "60"], { env: { MARK: directory } });
  try {
    const found = leftovers(before, takeHostSnapshot([directory]));
    expect(found).toContain(`temporary ${directory}`);
    expect(found.some((line) => line.startsWith(`process ${child.pid} sleep 60`))).toBe(true);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    rmSync(directory, { recursive: true });
  }
  expect(leftovers(before, takeHostSnapshot([directory])).filter((line) => line.includes(directory))).toEqual(
    [],
  );
});

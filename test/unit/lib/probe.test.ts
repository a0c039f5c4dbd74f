import { expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { parseProbe, probeScript } from "../../lib/probe.ts";

test("the script's output reads back as facts", () => {
  const { stdout } = Bun.spawnSync(["sh", "-c", probeScript], {
    cwd: "/usr",
    env: { PATH: process.env.PATH ?? "", COLOUR: "a=b" },
    stderr: "ignore",
  });
  const facts = parseProbe(stdout.toString());
  expect(facts.cwd).toBe("/usr");
  expect(facts.env.COLOUR).toBe("a=b");
  expect(facts.status.NoNewPrivs).toMatch(/^[01]$/);
  expect(facts.namespaces.mnt).toBe(readlinkSync("/proc/self/ns/mnt"));
  expect(facts.mounts.find(({ target }) => target === "/proc")).toMatchObject({ type: "proc", root: "/" });
  expect(facts.descriptors).toContain(1);
  expect(facts.limits["Max open files"]?.soft).toMatch(/^\d+$/);
});

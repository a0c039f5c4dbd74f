/**
 * Limits of a container whose parent has some, changed together: no step may exceed what the parent leaves. v1's own trees.
 */
import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { applyResources, createCgroup } from "../../src/cgroup/apply-cgroup.ts";
import { detectCgroups } from "../../src/cgroup/detect-cgroups.ts";
import { controllerDirectory, resolveCgroup } from "../../src/cgroup/hierarchy.ts";
import { removeCgroup } from "../../src/cgroup/kill-cgroup.ts";
import type { SpecResources } from "../../src/spec/oci.ts";

const hierarchy = detectCgroups();
const parentPath = `/bocker-order-${randomBytes(4).toString("hex")}`;
const isV1 =
  process.geteuid?.() === 0 &&
  hierarchy.mode !== "none" &&
  controllerDirectory(resolveCgroup(hierarchy, parentPath), "cpu")?.version === 1;

test.skipIf(!isV1)(
  "a quota and its period shrink and grow below a parent's limit; a burst with its quota",
  async () => {
    const parent = createCgroup(hierarchy, parentPath, { cpu: { period: 100_000, quota: 50_000 } });
    const child = createCgroup(hierarchy, `${parentPath}/child`, { cpu: { period: 100_000, quota: 40_000 } });
    try {
      const directory = controllerDirectory(child, "cpu")?.directory ?? "";
      const number = (file: string): number => Number(readFileSync(`${directory}/${file}`, "utf8"));
      const change = (cpu: NonNullable<SpecResources["cpu"]>): readonly number[] => {
        applyResources(child, { cpu });
        return [number("cpu.cfs_period_us"), number("cpu.cfs_quota_us")];
      };
      // 40000 of 10000, or 30000 of 10000 on the way, would be more than half a processor.
      expect(change({ period: 10_000, quota: 3_000 })).toEqual([10_000, 3_000]);
      expect(change({ period: 100_000, quota: 30_000 })).toEqual([100_000, 30_000]);
      expect(() => change({ period: 100_000, quota: 60_000 })).toThrow("cpu.cfs_quota_us");
      writeFileSync(`${directory}/cpu.cfs_burst_us`, "20000");
      expect(change({ quota: 10_000, burst: 5_000 })).toEqual([100_000, 10_000]);
      expect(change({ quota: 30_000, burst: 25_000 })).toEqual([100_000, 30_000]);
      expect(number("cpu.cfs_burst_us")).toBe(25_000);
    } finally {
      await removeCgroup(child);
      await removeCgroup(parent);
    }
  },
);

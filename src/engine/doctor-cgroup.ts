/**
 * Cgroups, for `doctor`: which kind, and the controllers that limits need.
 */
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import type { Finding } from "./doctor-finding.ts";

const wanted = ["cpu", "cpuset", "memory", "pids"];

/** Containers run without any; what they lose are limits. */
export function checkCgroups(): Finding {
  const { mode, mounts } = detectCgroups();
  if (mode === "none") {
    return {
      status: "warn",
      found: "none mounted: no limits, no pause, no stats",
      hint: "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
    };
  }
  const found = mounts.flatMap(({ controllers }) => controllers);
  const missing = wanted.filter((name) => !found.includes(name));
  if (missing.length === 0) return { status: "ok", found: `${mode} with ${wanted.join(", ")}` };
  const memory = missing.includes("memory")
    ? "; some kernels want cgroup_enable=memory on their command line"
    : "";
  return {
    status: "warn",
    found: `${mode} without ${missing.join(", ")}: no such limits`,
    hint: `enable them in the kernel, or in the parent's cgroup.subtree_control${memory}`,
  };
}

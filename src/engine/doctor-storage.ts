/**
 * Storage, for `doctor`: the driver that containers get, room on the disk, and programs that layers need.
 */
import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { findTool } from "../host/run-command.ts";
import { selectDriver } from "../storage/select-driver.ts";
import type { DoctorHost, Finding, HostCheck } from "./doctor-finding.ts";

export const storageChecks: readonly HostCheck[] = [
  { name: "storage driver", look: checkDriver },
  { name: "disk", look: checkDisk },
  { name: "xz", look: checkXz },
];

const lowBytes = 1 << 30;
const leastBytes = 64 << 20;

function checkDriver({ paths, settings }: DoctorHost): Finding {
  const { name, reason, refusal } = selectDriver(paths, settings.storageDriver);
  const found = `${name}: ${reason}`;
  if (refusal !== undefined) return { status: "fail", found };
  if (name !== "vfs" || settings.storageDriver === "vfs") return { status: "ok", found };
  return {
    status: "warn",
    found,
    hint: "every container is a whole copy; put the state root on ext4, xfs or btrfs",
  };
}

function checkDisk({ paths }: DoctorHost): Finding {
  const { bavail, bsize } = statfsSync(existingParent(paths.root));
  const bytes = bavail * bsize;
  const found = `${Math.floor(bytes / (1 << 20))} MiB free for ${paths.root}`;
  if (bytes >= lowBytes) return { status: "ok", found };
  return { status: bytes < leastBytes ? "fail" : "warn", found, hint: "bocker system prune" };
}

function existingParent(path: string): string {
  return existsSync(path) || path === "/" ? path : existingParent(dirname(path));
}

/** Bun has gzip and zstd built in. */
function checkXz(): Finding {
  const path = findTool("xz");
  if (path !== undefined) return { status: "ok", found: path };
  return {
    status: "warn",
    found: "no such program: layers that are packed with xz cannot be read",
    hint: "install the package xz-utils",
  };
}

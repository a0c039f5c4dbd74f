/**
 * Which storage driver new containers get, and why: what was asked for, or else what the state root can carry.
 *
 * Costs a statfs and an fsopen where the file system is a common one; an uncommon one is tried with a real overlay
 * that nobody else sees and that goes with its descriptor.
 */
import { closeSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileSystemMagic, statfs } from "../../ffi/file.ts";
import { fsopen } from "../../ffi/mount.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { messageOf } from "../errors.ts";
import type { Paths } from "../host/paths.ts";
import { mountRootfs } from "./mount-rootfs.ts";
import type { StorageDriverChoice, StorageDriverName } from "./storage-driver.ts";

export interface DriverSelection {
  readonly name: StorageDriverName;
  /** For people: `/var/lib/bocker is on ext4, which carries an overlay`. */
  readonly reason: string;
  /** Not even looking was permitted: nothing will be mounted, whatever the driver. */
  readonly refusal?: unknown;
}

/** linux/magic.h. True: known to carry an overlay's upper directory. */
const fileSystems: ReadonlyMap<number, readonly [name: string, carriesOverlay: boolean]> = new Map([
  [0xef53, ["ext4", true]],
  [0x58465342, ["xfs", true]],
  [0xf2f52010, ["f2fs", true]],
  [fileSystemMagic.BTRFS_SUPER_MAGIC, ["btrfs", true]],
  [fileSystemMagic.TMPFS_MAGIC, ["tmpfs", true]],
  [fileSystemMagic.RAMFS_MAGIC, ["ramfs", false]],
  [fileSystemMagic.OVERLAYFS_SUPER_MAGIC, ["overlay", false]],
  [0x6969, ["nfs", false]],
  [0x01021997, ["9p", false]],
  [0x65735546, ["fuse", false]],
  [0xff534d42, ["cifs", false]],
  [0x4d44, ["vfat", false]],
  [0x2fc12fc1, ["zfs", false]],
  [0x73717368, ["squashfs", false]],
]);

/** Word for the file system at `path`, as mount(8) has it; its magic number where it is not a known one. */
export function fileSystemName(path: string): string {
  const magic = statfs(path);
  return fileSystems.get(magic)?.[0] ?? `0x${magic.toString(16)}`;
}

/** Throws nothing for a driver that was asked for: whether it works is seen when it is used. */
export function selectDriver(paths: Paths, choice: StorageDriverChoice): DriverSelection {
  if (choice !== "auto") return { name: choice, reason: "it was asked for" };
  mkdirSync(paths.root, { recursive: true, mode: 0o711 });
  const where = `${paths.root} is on ${fileSystemName(paths.root)}`;
  const problem = overlayProblem(paths);
  if (problem === undefined) return { name: "overlay", reason: `${where}, which carries an overlay` };
  const reason = `${where}, and an overlay is not possible: ${messageOf(problem)}`;
  const name = statfs(paths.root) === fileSystemMagic.BTRFS_SUPER_MAGIC ? "btrfs" : "vfs";
  return { name, reason, ...(isErrno(problem, "EPERM") ? { refusal: problem } : {}) };
}

/** The error that says why no overlay can be had here; undefined when one can. */
function overlayProblem(paths: Paths): unknown {
  const known = fileSystems.get(statfs(paths.root))?.[1] === true;
  try {
    if (known) closeSync(fsopen("overlay"));
    else tryOverlay(paths);
    return undefined;
  } catch (error) {
    return error;
  }
}

function tryOverlay(paths: Paths): void {
  if (!existsSync(paths.tmp)) mkdirSync(paths.tmp, { recursive: true, mode: 0o700 });
  const directory = mkdtempSync(join(paths.tmp, "trash-probe-"));
  try {
    const [lower, upperdir, workdir] = ["lower", "upper", "work"].map((name) => {
      mkdirSync(join(directory, name));
      return join(directory, name);
    }) as [string, string, string];
    closeSync(mountRootfs({ kind: "overlay", lowerdirs: [lower], upperdir, workdir }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

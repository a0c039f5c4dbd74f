/**
 * Subvolumes of btrfs: made empty, made as a snapshot of another, and destroyed whole in one call.
 *
 * The requests act on the directory that holds the subvolume; its name is one path component in a fixed field. See
 * ioctl-btrfs-subvolume in btrfs(5) and linux/btrfs.h. All need CAP_SYS_ADMIN here.
 */
import { closeSync, openSync } from "node:fs";
import { basename, dirname } from "node:path";
import { openFlags } from "./flags.ts";
import { syscall } from "./libc.ts";

/** struct btrfs_ioctl_vol_args: s64 fd @0, name @8; 4096 bytes, as is the second version. */
export const volumeArgsBytes = 4096;
export const volumeArgsName = 8;
/** struct btrfs_ioctl_vol_args_v2: s64 fd @0, u64 transid @8, u64 flags @16, 32 unused, name @56. */
export const volumeArgsV2Name = 56;

/** _IOW(0x94, 14 | 15, struct btrfs_ioctl_vol_args), _IOW(0x94, 23, struct btrfs_ioctl_vol_args_v2). */
export const btrfsRequest = {
  BTRFS_IOC_SUBVOL_CREATE: 0x5000940e,
  BTRFS_IOC_SNAP_DESTROY: 0x5000940f,
  BTRFS_IOC_SNAP_CREATE_V2: 0x50009417,
} as const;

/** The inode of every subvolume's root: BTRFS_FIRST_FREE_OBJECTID. */
export const subvolumeInode = 256;

/** Makes an empty subvolume at `path`, whose parent directory must be on btrfs. */
export function createSubvolume(path: string): void {
  onParent(path, "BTRFS_IOC_SUBVOL_CREATE", volumeArgs(path, volumeArgsName));
}

/** Makes a writable snapshot of the subvolume at `source` at `path`; atomic. */
export function snapshotSubvolume(source: string, path: string): void {
  const sourceFd = openDirectory(source);
  try {
    const args = volumeArgs(path, volumeArgsV2Name);
    new DataView(args.buffer).setBigInt64(0, BigInt(sourceFd), true);
    onParent(path, "BTRFS_IOC_SNAP_CREATE_V2", args);
  } finally {
    closeSync(sourceFd);
  }
}

/** Destroys the subvolume at `path` with all in it. ENOTEMPTY when it holds another subvolume. */
export function destroySubvolume(path: string): void {
  onParent(path, "BTRFS_IOC_SNAP_DESTROY", volumeArgs(path, volumeArgsName));
}

function volumeArgs(path: string, nameOffset: number): Uint8Array<ArrayBuffer> {
  const args = new Uint8Array(volumeArgsBytes);
  args.set(Buffer.from(basename(path)), nameOffset);
  return args;
}

function onParent(path: string, request: keyof typeof btrfsRequest, args: Uint8Array): void {
  const fd = openDirectory(dirname(path));
  try {
    syscall("ioctl", [fd, btrfsRequest[request], args], () => `${request}, ${JSON.stringify(path)}`);
  } finally {
    closeSync(fd);
  }
}

function openDirectory(path: string): number {
  return openSync(path, openFlags.O_RDONLY | openFlags.O_DIRECTORY | openFlags.O_NOFOLLOW);
}

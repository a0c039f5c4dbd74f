/**
 * Project quotas: a limit on what lies below a directory, counted by a number that every file in it carries.
 *
 * ext4 (features project and quota, mounted with prjquota) and xfs (pquota). See ioctl_xfs_fsgetxattr(2), quotactl(2),
 * linux/fs.h and linux/quota.h.
 */
import { closeSync, openSync } from "node:fs";
import { openFlags } from "./flags.ts";
import { syscall } from "./libc.ts";

/** struct fsxattr: u32 xflags @0, extsize @4, nextents @8, projid @12, cowextsize @16, 8 unused. */
export const fsxattr = { bytes: 28, xflags: 0, projid: 12 } as const;
/** struct if_dqblk: u64 bhardlimit @0 in blocks of 1 KiB, … ; u32 valid @64. */
export const dqblk = { bytes: 72, hardLimit: 0, valid: 64 } as const;

/** _IOR('X', 31, struct fsxattr), _IOW('X', 32, struct fsxattr). */
export const projectRequest = { FS_IOC_FSGETXATTR: 0x801c581f, FS_IOC_FSSETXATTR: 0x401c5820 } as const;

/** What is made in the directory belongs to its project, too. */
const FS_XFLAG_PROJINHERIT = 0x200;
const QIF_BLIMITS = 1;
/** QCMD(Q_SETQUOTA, PRJQUOTA). */
const setProjectQuota = (0x800008 << 8) | 2;
const blockBytes = 1024;

/** Makes an empty directory, and what will be in it, part of a project. EOPNOTSUPP or ENOTTY: not on this file system. */
export function setProject(directory: string, project: number): void {
  withDirectory(directory, (fd) => {
    const attributes = new Uint8Array(fsxattr.bytes);
    const view = new DataView(attributes.buffer);
    syscall("ioctl", [fd, projectRequest.FS_IOC_FSGETXATTR, attributes]);
    view.setUint32(fsxattr.xflags, view.getUint32(fsxattr.xflags, true) | FS_XFLAG_PROJINHERIT, true);
    view.setUint32(fsxattr.projid, project, true);
    syscall(
      "ioctl",
      [fd, projectRequest.FS_IOC_FSSETXATTR, attributes],
      () => `FS_IOC_FSSETXATTR, ${directory}`,
    );
  });
}

/**
 * Limits what a project may use of the file system that `directory` is on; 0: no limit. ESRCH: project quotas are not switched on;
 * ENOSYS: Linux before 5.14 (quotactl_fd).
 */
export function limitProject(directory: string, project: number, bytes: number): void {
  withDirectory(directory, (fd) => {
    const limits = new Uint8Array(dqblk.bytes);
    const view = new DataView(limits.buffer);
    view.setBigUint64(dqblk.hardLimit, BigInt(Math.ceil(bytes / blockBytes)), true);
    view.setUint32(dqblk.valid, QIF_BLIMITS, true);
    syscall("quotactl_fd", [fd, setProjectQuota, project, limits], () => `Q_SETQUOTA, ${directory}`);
  });
}

function withDirectory(directory: string, use: (fd: number) => void): void {
  const fd = openSync(directory, openFlags.O_RDONLY | openFlags.O_DIRECTORY | openFlags.O_NOFOLLOW);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

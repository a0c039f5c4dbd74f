/**
 * Pseudo-terminals for containers. A new container gets a devpts of its own, made here as a detached mount, so that
 * its /dev/pts/0 is its terminal; an exec gets a further pty of the container's devpts. The master stays here.
 */
import { close, closeQuietly, fileSystemMagic, fstatfs, openat, openat2 } from "../../ffi/file.ts";
import { mountAttributes, openFlags, resolveFlags } from "../../ffi/flags.ts";
import { fsconfig, fsmount, fsopen } from "../../ffi/mount.ts";
import { openPtyPeer, ptyNumber, setWindowSize, unlockPty, type WindowSize } from "../../ffi/tty.ts";
import { BockerError } from "../errors.ts";
import { firstId, hostIdOf, type IdMaps } from "../security/id-map.ts";

export interface Console {
  /** The engine's end. */
  readonly master: number;
  /** For the process's 0, 1 and 2; close after the start, or the end of the terminal is never seen. */
  readonly slave: number;
  /** N of /dev/pts/N inside. */
  readonly number: number;
  /** Detached devpts, for startProcess as `devpts`; absent for an exec. Close after the start. */
  readonly devpts?: number;
}

/** What docker mounts devpts with. */
const defaultDevptsOptions: readonly (readonly [string, string])[] = [
  ["ptmxmode", "0666"],
  ["mode", "0620"],
  ["gid", "5"],
];

/**
 * A terminal in a devpts of its own. All descriptors are close-on-exec and the caller's. With id maps, those of the
 * container's user namespace, its root owns what is opened there.
 */
export function openConsole(size?: WindowSize, maps?: IdMaps): Console {
  const devpts = mountDevpts(maps === undefined ? defaultDevptsOptions : mappedDevptsOptions(maps));
  try {
    return { ...openPty(devpts, "ptmx", size), devpts };
  } catch (error) {
    close(devpts);
    throw error;
  }
}

/**
 * A terminal in the devpts of a running container, by a descriptor of its root directory (/proc/PID/root).
 *
 * The container owns that tree: symlinks are refused, and what is found is opened only after it proved to be devpts.
 */
export function openContainerConsole(rootFd: number, size?: WindowSize): Console {
  const resolve = resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_SYMLINKS;
  const directory = openat2(rootFd, "dev/pts", openFlags.O_PATH | openFlags.O_DIRECTORY, resolve);
  try {
    if (fstatfs(directory) !== fileSystemMagic.DEVPTS_SUPER_MAGIC) {
      throw new BockerError("cannot open a terminal: the container has no devpts on /dev/pts", {
        kind: "host",
      });
    }
    return openPty(directory, "ptmx", size);
  } finally {
    close(directory);
  }
}

const ttyGroup = 5;

/** The group is root's where the namespace has no id for tty. */
function mappedDevptsOptions({ uidMappings, gidMappings }: IdMaps): typeof defaultDevptsOptions {
  const uid = hostIdOf(uidMappings, firstId(uidMappings)) ?? 0;
  const gid = hostIdOf(gidMappings, ttyGroup) ?? hostIdOf(gidMappings, firstId(gidMappings)) ?? 0;
  const others = defaultDevptsOptions.filter(([key]) => key !== "gid");
  return [...others, ["uid", String(uid)], ["gid", String(gid)]];
}

function mountDevpts(options: typeof defaultDevptsOptions): number {
  const context = fsopen("devpts");
  try {
    fsconfig(context, { set: "string", key: "source", value: "devpts" });
    fsconfig(context, { set: "flag", key: "newinstance" });
    for (const [key, value] of options) fsconfig(context, { set: "string", key, value });
    fsconfig(context, { set: "create" });
    return fsmount(context, mountAttributes.MOUNT_ATTR_NOSUID | mountAttributes.MOUNT_ATTR_NOEXEC);
  } finally {
    close(context);
  }
}

function openPty(directory: number, name: string, size: WindowSize | undefined): Console {
  const flags = openFlags.O_RDWR | openFlags.O_NOCTTY | openFlags.O_NOFOLLOW;
  const master = openat(directory, name, flags);
  let slave: number | undefined;
  try {
    unlockPty(master);
    slave = openPtyPeer(master);
    if (size !== undefined) setWindowSize(master, size);
    return { master, slave, number: ptyNumber(master) };
  } catch (error) {
    closeQuietly(master, slave);
    throw error;
  }
}

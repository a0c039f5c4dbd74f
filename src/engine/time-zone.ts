/**
 * `--tz`: the host's description of a time zone as the container's /etc/localtime, whatever the image has.
 */
import { closeSync, openSync, readSync, realpathSync } from "node:fs";
import { closeQuietly, openat2, unlinkat } from "../../ffi/file.ts";
import { openFlags, resolveFlags } from "../../ffi/flags.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";

const zoneFolder = "/usr/share/zoneinfo";
/** The first bytes of every compiled zone: RFC 8536. */
const magic = "TZif";

/** The file on the host that describes the zone; `local` is the host's own. Throws when there is none of that name. */
export function findTimeZone(zone: string): string {
  try {
    const path = realpathSync(zone === "local" ? "/etc/localtime" : `${zoneFolder}/${zone}`);
    if (beginsWithMagic(path)) return path;
  } catch (cause) {
    throw unknownZone(zone, cause);
  }
  throw unknownZone(zone);
}

/** Makes way for the mount: a link whose target the image lacks cannot be mounted on. */
export function clearDanglingZone(rootFd: number): void {
  const resolve = resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_MAGICLINKS;
  let folder: number | undefined;
  let link: number | undefined;
  try {
    folder = openat2(rootFd, "/etc", openFlags.O_PATH | openFlags.O_DIRECTORY, resolve);
    link = openat2(folder, "localtime", openFlags.O_PATH | openFlags.O_NOFOLLOW, resolve);
    closeQuietly(openat2(rootFd, "/etc/localtime", openFlags.O_PATH, resolve));
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) throw error;
    if (folder !== undefined && link !== undefined) unlinkat(folder, "localtime");
  } finally {
    closeQuietly(folder, link);
  }
}

function beginsWithMagic(path: string): boolean {
  const fd = openSync(path, "r");
  try {
    const start = Buffer.alloc(magic.length);
    readSync(fd, start, 0, start.length, 0);
    return start.toString("latin1") === magic;
  } finally {
    closeSync(fd);
  }
}

function unknownZone(zone: string, cause?: unknown): BockerError {
  return new BockerError(`finding timezone "${zone}": no such time zone on this host`, {
    kind: "invalid-config",
    hint: `names are those of files below ${zoneFolder} (package tzdata), or local`,
    ...(cause === undefined ? {} : { cause }),
  });
}

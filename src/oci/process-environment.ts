/**
 * The environment of a container's process: each variable once, the last word for it counts, and HOME always set.
 *
 * HOME is the home of the process's user in the container's own /etc/passwd, or "/", as with runc and crun: engines leave
 * that to the runtime. The file is the container's, and hostile: read without following its links out of it.
 */
import { readFileSync, statSync } from "node:fs";
import { close, openat } from "../../ffi/file.ts";
import { openFlags } from "../../ffi/flags.ts";
import type { Spec, SpecProcess } from "../spec/oci.ts";
import { parsePasswd } from "../spec/user.ts";
import { readRootfsText } from "../storage/rootfs-file.ts";

const passwdFile = "/etc/passwd";

/** The process with its whole environment. `passwd` is asked for only where HOME has to be looked up. */
export function withHome(process: SpecProcess, passwd: () => string): SpecProcess {
  const variables = new Map<string, string>();
  for (const word of process.env ?? []) variables.set(word.split("=", 1)[0] ?? word, word);
  const home = variables.get("HOME");
  if (home === undefined || home === "HOME=" || home === "HOME") {
    variables.set("HOME", `HOME=${homeOf(process.user.uid, passwd())}`);
  }
  return { ...process, env: [...variables.values()] };
}

function homeOf(uid: number, passwd: string): string {
  const home = parsePasswd(passwd).find((entry) => entry.uid === uid)?.home ?? "";
  return home === "" || home.includes("\0") ? "/" : home;
}

/** For a container that is not there yet: of a file that is mounted over the root's, or of the root file system. */
export function passwdOfBundle({ mounts = [] }: Spec, rootfs: string): string {
  const mounted = mounts.findLast(({ destination }) => destination === passwdFile)?.source;
  if (mounted === undefined) return passwdBelow(rootfs);
  return statSync(mounted, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(mounted, "utf8") : "";
}

/** For one that is: of what its processes see. */
export function passwdOfProcess(pid: number): string {
  return passwdBelow(`/proc/${pid}/root`);
}

function passwdBelow(root: string): string {
  const fd = openat(-1, root, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC);
  try {
    return readRootfsText(fd, passwdFile) ?? "";
  } finally {
    close(fd);
  }
}

/**
 * User namespaces as descriptors: for the ids of a container's process, of its layers and of its volumes.
 *
 * A namespace is made by a process that does nothing but wait in it while its maps are written (user_namespaces(7));
 * the descriptor keeps it when that process is gone. Nothing of it has a name on the host.
 */
import { writeFileSync } from "node:fs";
import { close, closeQuietly, openat, pipe2, writeAll } from "../../ffi/file.ts";
import { AT_FDCWD, cloneFlags, memfdFlags, openFlags } from "../../ffi/flags.ts";
import { type Launched, launch } from "../../ffi/launch.ts";
import { memfd_create } from "../../ffi/memfd.ts";
import { waitid } from "../../ffi/process.ts";
import { SyscallError } from "../../ffi/syscall-error.ts";
import { BockerError, messageOf } from "../errors.ts";
import { alwaysInherited, type LaunchPlan } from "../launch/plan.ts";
import { checkIdMap, type IdMaps, renderIdMap } from "../security/id-map.ts";
import { encodePlan } from "./encode-plan.ts";

/**
 * A new user namespace with these maps. The descriptor is close-on-exec and the caller's.
 * @throws BockerError where the maps are none, or the kernel or the host's limits refuse
 */
export function openUserNamespace({ uidMappings, gidMappings }: IdMaps): number {
  checkIdMap("uid mappings", uidMappings);
  checkIdMap("gid mappings", gidMappings);
  return withWaitingChild(cloneFlags.CLONE_NEWUSER, ({ pid }) => {
    writeMap(pid, "uid_map", renderIdMap(uidMappings));
    writeMap(pid, "gid_map", renderIdMap(gidMappings));
    return openat(AT_FDCWD, `/proc/${pid}/ns/user`, openFlags.O_RDONLY);
  });
}

function writeMap(pid: number, name: "uid_map" | "gid_map", text: string): void {
  try {
    writeFileSync(`/proc/${pid}/${name}`, text);
  } catch (error) {
    throw new BockerError(`cannot write ${name} of a user namespace: ${messageOf(error)}`, {
      kind: "permission",
      cause: error,
      hint: "ids can be mapped that this process itself has: see /proc/self/uid_map",
    });
  }
}

const waiting: LaunchPlan = {
  purpose: "create",
  cloneFlags: [],
  inherits: alwaysInherited,
  initArgs: ["bocker:userns"],
  operations: [{ call: "wait", step: "waiting", for: "go" }],
};

function withWaitingChild<Result>(flags: number, use: (child: Launched) => Result): Result {
  const tape = memfd_create("bocker-tape", memfdFlags.MFD_CLOEXEC);
  const [wait, go] = pipe2();
  try {
    writeAll(tape, encodePlan(waiting).tape);
    const child = launchIn(flags, waiting.initArgs, [-1, -1, -1, tape, -1, wait]);
    try {
      return use(child);
    } finally {
      // Nobody can write to it any more: the child ends.
      close(go);
      waitid(child.pidfd, { block: true });
      close(child.pidfd);
    }
  } finally {
    closeQuietly(tape, wait);
  }
}

function launchIn(flags: number, args: readonly string[], fds: readonly number[]): Launched {
  try {
    return launch({ flags, args, fds });
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new BockerError(`cannot create a user namespace: ${messageOf(error)}`, {
      kind: "host",
      cause: error,
      hint: "see /proc/sys/user/max_user_namespaces and, on Debian, kernel.unprivileged_userns_clone",
    });
  }
}

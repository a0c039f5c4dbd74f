/**
 * Descriptors that a plan asks for and its caller need not know of: user namespaces, and tmpfs mounts with content.
 */
import { closeQuietly, openat } from "../../ffi/file.ts";
import { AT_FDCWD, openFlags } from "../../ffi/flags.ts";
import { BockerError, messageOf } from "../errors.ts";
import type { LaunchPlan, UserNamespace } from "../launch/plan.ts";
import { type CopyTree, mountCopyUp } from "./copy-up.ts";
import type { StartOptions } from "./start-process.ts";
import { openUserNamespace } from "./user-namespace.ts";

/** By name, without those the caller has. The caller's to close. */
export function openPlanned(
  { userNamespaces = [], copyUps = [] }: LaunchPlan,
  { fds: given = {}, copyTree }: Pick<StartOptions, "fds" | "copyTree">,
): Readonly<Record<string, number>> {
  const opened: Record<string, number> = {};
  try {
    for (const each of userNamespaces) {
      if (given[each.name] === undefined) opened[each.name] = openNamespace(each);
    }
    for (const each of copyUps) opened[each.name] = mountCopyUp(each, given.rootfs, required(copyTree));
    return opened;
  } catch (error) {
    closeQuietly(...Object.values(opened));
    throw error;
  }
}

function required(copyTree: CopyTree | undefined): CopyTree {
  if (copyTree !== undefined) return copyTree;
  throw new BockerError("the launch plan has a tmpfs to fill, and nobody fills it");
}

function openNamespace(namespace: UserNamespace): number {
  if ("uidMappings" in namespace) return openUserNamespace(namespace);
  try {
    return openat(AT_FDCWD, namespace.path, openFlags.O_RDONLY);
  } catch (error) {
    const path = JSON.stringify(namespace.path);
    throw new BockerError(`joining the user namespace ${path}: ${messageOf(error)}`, {
      kind: "host",
      cause: error,
    });
  }
}

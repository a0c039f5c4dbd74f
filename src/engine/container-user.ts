/**
 * Who a container's process is: its --user looked up in the files of its own root file system.
 */

import { type ResolvedUser, resolveUser } from "../spec/user.ts";
import { readRootfsText } from "../storage/rootfs-file.ts";

/** Looks a user up through the root's descriptor. Plain `root` needs the files for its home and groups too. */
export function lookUpUser(rootFd: number, user: string, groupAdd: readonly string[]): ResolvedUser {
  const passwd = readRootfsText(rootFd, "/etc/passwd") ?? "";
  const group = readRootfsText(rootFd, "/etc/group") ?? "";
  return resolveUser(user, passwd, group, groupAdd);
}

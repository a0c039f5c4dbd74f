/**
 * Making what a container's tree lacks: mount targets, device nodes, the working directory.
 *
 * The paths lead through the image, whose links may point anywhere. After the pivot "anywhere" is inside, but for the
 * magic links of /proc: where other processes than the container's are seen in it, /proc/PID/root is the host; and while
 * hooks are waited for, /proc/self/fd of init is too. Then each parent is opened with RESOLVE_IN_ROOT, which refuses
 * them. Nothing of that where a pid namespace of its own shows init alone: it costs two calls for each thing made.
 */
import type { Spec } from "../spec/oci.ts";
import type { PlanBuilder } from "./plan-builder.ts";
import { isNew } from "./plan-namespaces.ts";
import { hasHooksBeforePivot } from "./plan-root.ts";

/** Whether the container's /proc may have links that lead out of its root. */
export function hasWayOut(spec: Spec): boolean {
  return !isNew(spec, "pid") || hasHooksBeforePivot(spec.hooks ?? {});
}

/** Plans something to be made at a path, by a directory's descriptor and a name in it that is never followed. */
export function inParent(
  builder: PlanBuilder,
  path: string,
  make: (dirfd: string, path: string) => void,
): void {
  if (!builder.hasWayOut) {
    make("AT_FDCWD", path);
    return;
  }
  const slash = path.lastIndexOf("/");
  const parent = builder.name("parent");
  builder.add({
    call: "openat2",
    dirfd: "AT_FDCWD",
    path: slash <= 0 ? "/" : path.slice(0, slash),
    flags: ["O_PATH", "O_DIRECTORY", "O_CLOEXEC"],
    resolve: ["RESOLVE_IN_ROOT"],
    keep: parent,
  });
  make(parent, path.slice(slash + 1));
  builder.add({ call: "close", fd: parent });
}

/** Makes the directories above a path, and the path itself, where they are missing; existing ones stay as they are. */
export function makeTarget(builder: PlanBuilder, path: string, kind: "file" | "directory"): void {
  const parts = path.split("/").filter((part) => part !== "");
  const directories = kind === "file" ? parts.length - 1 : parts.length;
  for (let depth = 1; depth <= directories; depth++) {
    const prefix = `/${parts.slice(0, depth).join("/")}`;
    if (!builder.needsDirectory(prefix)) continue;
    inParent(builder, prefix, (dirfd, name) => {
      builder.add({ call: "mkdirat", dirfd, path: name, mode: 0o755, ignore: ["EEXIST"] });
    });
  }
  if (kind === "file") makeFile(builder, `/${parts.join("/")}`);
}

function makeFile(builder: PlanBuilder, path: string): void {
  const keep = builder.name("made");
  const flags = ["O_WRONLY", "O_CREAT", "O_EXCL", "O_CLOEXEC"] as const;
  inParent(builder, path, (dirfd, name) => {
    builder.add({ call: "openat", dirfd, path: name, flags, mode: 0o755, keep, ignore: ["EEXIST"] });
    builder.add({ call: "close", fd: keep });
  });
}

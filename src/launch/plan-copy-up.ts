/**
 * `tmpcopyup`: a tmpfs that starts with what the root file system has where it is mounted. Copying takes more than
 * system calls in a row, so the caller of the launch makes and fills it (src/runtime/copy-up.ts) and init attaches it.
 */
import { BockerError } from "../errors.ts";
import type { Spec, SpecMount } from "../spec/oci.ts";
import type { RootfsSource } from "./context.ts";
import { parseMountOptions } from "./mount-option.ts";
import type { CopyUp } from "./plan.ts";

export interface CopyUpPlan {
  readonly copyUps: readonly CopyUp[];
  /** By mount: the name of the descriptor. */
  readonly copiedUp: ReadonlyMap<SpecMount, string>;
}

/** Finds the mounts that ask for it. Only a tmpfs can. */
export function planCopyUps(spec: Spec, rootfs: RootfsSource): CopyUpPlan {
  const copyUps: CopyUp[] = [];
  const copiedUp = new Map<SpecMount, string>();
  for (const mount of spec.mounts ?? []) {
    const options = parseMountOptions(mount.options ?? []);
    if (!options.copyUp) continue;
    checkCopyUp(mount, rootfs);
    const name = `copyup${copyUps.length}`;
    const from = rootfs.kind === "directory" ? { rootfs: rootfs.path } : {};
    copyUps.push({
      name,
      destination: mount.destination,
      data: options.data,
      attributes: options.set,
      ...from,
    });
    copiedUp.set(mount, name);
  }
  return { copyUps, copiedUp };
}

function checkCopyUp({ type, destination }: SpecMount, rootfs: RootfsSource): void {
  if (type !== "tmpfs") {
    throw new BockerError(`tmpcopyup: mount "${destination}" is no tmpfs`, { kind: "invalid-config" });
  }
  if (rootfs.kind === "overlay") {
    throw new BockerError(
      `tmpcopyup: this kernel cannot fill "${destination}" before the container is there`,
      {
        kind: "unsupported",
      },
    );
  }
}

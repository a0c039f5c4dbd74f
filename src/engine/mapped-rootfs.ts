/**
 * A new container's root where its ids are mapped: the layers as they are, or, on a kernel that cannot map those of an
 * overlay, a copy of them, which is said. What lies on the disk has the image's ids either way.
 */
import { closeSync } from "node:fs";
import { BockerError } from "../errors.ts";
import type { ImageConfig } from "../image/image-config.ts";
import { openUserNamespace } from "../runtime/user-namespace.ts";
import { hostIdOf, isIdentity } from "../security/id-map.ts";
import type { ContainerRecord } from "../state/record.ts";
import { mountRootfs } from "../storage/mount-rootfs.ts";
import { prepareRootfs, removeRootfs } from "../storage/rootfs.ts";
import type { Rootfs } from "../storage/storage-driver.ts";
import { containerRootfs } from "./container-rootfs.ts";
import type { Engine } from "./engine.ts";

/** Tries it out, so that it is known when the container is made. Throws kind `unsupported` where neither can be. */
export function prepareMappedRootfs(
  engine: Engine,
  record: ContainerRecord,
  image: ImageConfig,
  {
    warn,
    mount = mountRootfs,
  }: { readonly warn: (line: string) => void; readonly mount?: typeof mountRootfs },
): Rootfs {
  const { id, config } = record;
  const rootfs = containerRootfs(engine, record, image);
  const { idMaps } = config;
  if (idMaps === undefined || isIdentity(idMaps)) return rootfs;
  const userNamespace = openUserNamespace(idMaps);
  const [rootUid = 0, rootGid = 0] = [hostIdOf(idMaps.uidMappings, 0), hostIdOf(idMaps.gidMappings, 0)];
  const tryOut = (tried: Rootfs): Rootfs => {
    closeSync(mount(tried, { userNamespace, rootUid, rootGid }));
    return tried;
  };
  try {
    return tryOut(rootfs);
  } catch (error) {
    const isUnsupported = error instanceof BockerError && error.kind === "unsupported";
    if (!isUnsupported || config.rootfs || rootfs.kind !== "overlay") throw error;
    removeRootfs(engine.paths, id);
    const copy = tryOut(prepareRootfs(engine.paths, id, image.rootfs.diff_ids, "vfs"));
    warn("This kernel cannot map the ids of an overlay's layers: the image is copied for this container.");
    return copy;
  } finally {
    closeSync(userNamespace);
  }
}

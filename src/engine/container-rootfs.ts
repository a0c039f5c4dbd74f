/**
 * The root file system of one container, from its image's layers or from the directory of --rootfs.
 */
import { existsSync } from "node:fs";
import type { ImageConfig } from "../image/image-config.ts";
import { noSuchContainer } from "../state/container.ts";
import type { ContainerRecord } from "../state/record.ts";
import { prepareDirectory, prepareRootfs } from "../storage/rootfs.ts";
import type { Rootfs } from "../storage/storage-driver.ts";
import { containerFolder } from "./container-paths.ts";
import { parseRootDirectory } from "./directory-image.ts";
import type { Engine } from "./engine.ts";

/** Made by create, and made again when a crash took that. Throws docker's words for a container that was removed meanwhile. */
export function containerRootfs(
  engine: Engine,
  { id, config }: Pick<ContainerRecord, "id" | "config">,
  image: ImageConfig,
): Rootfs {
  // Its folder is never made here: nobody would remove it.
  if (!existsSync(containerFolder(engine.paths, id))) throw noSuchContainer(id);
  if (config.rootfs) return prepareDirectory(engine.paths, id, parseRootDirectory(config.image));
  const choice = config.storageDriver ?? engine.settings.storageDriver;
  return prepareRootfs(engine.paths, id, image.rootfs.diff_ids, choice);
}

/**
 * `--mount type=image`: which image each one is, settled when the container is made. The image cannot be removed while the
 * container is there (containersUsing).
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { parseImageConfig } from "../image/image-config.ts";
import type { Engine } from "./engine.ts";
import { type ResolveImageOptions, resolveImage } from "./resolve-image.ts";

/** The request with every image found, or fetched as --pull allows. Throws what resolveImage throws. */
export async function withMountImages(
  engine: Engine,
  config: ContainerConfig,
  options: ResolveImageOptions,
): Promise<ContainerConfig> {
  const mounts = [];
  for (const mount of config.mounts) {
    if (mount.type !== "image") mounts.push(mount);
    else {
      const { id, configBytes } = await resolveImage(engine, { ...config, image: mount.source }, options);
      mounts.push({ ...mount, image: { id, layers: parseImageConfig(configBytes).rootfs.diff_ids } });
    }
  }
  return { ...config, mounts };
}

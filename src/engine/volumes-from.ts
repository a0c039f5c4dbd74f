/**
 * `--volumes-from`: the mounts of other containers as the new one's own. Settled when the container is made, so that what it
 * has does not change when the others do.
 */
import type { ContainerConfig, MountConfig } from "../config/container-config.ts";
import { parseVolumesFrom } from "../config/volumes-from.ts";
import type { ContainerRecord } from "../state/record.ts";
import { loadContainerImage } from "./container-image.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { volumeMountsOf } from "./volume-mounts.ts";

/**
 * The request with those mounts; its own win where the target is the same, but for volumes without a name, which give way
 * as in docker. Throws docker's `No such container: x`.
 */
export async function withVolumesFrom(engine: Engine, config: ContainerConfig): Promise<ContainerConfig> {
  const isNameless = (mount: MountConfig) => mount.type === "volume" && mount.name === undefined;
  const targets = new Set(config.mounts.filter((mount) => !isNameless(mount)).map(({ target }) => target));
  const inherited: MountConfig[] = [];
  for (const word of config.volumesFrom ?? []) {
    const { container, readOnly } = parseVolumesFrom(word);
    for (const mount of sharedMounts(engine, await loadContainer(engine, container), readOnly)) {
      if (targets.has(mount.target)) continue;
      targets.add(mount.target);
      inherited.push(mount);
    }
  }
  if (inherited.length === 0) return config;
  const own = config.mounts.filter((mount) => !(isNameless(mount) && targets.has(mount.target)));
  return { ...config, mounts: [...own, ...inherited] };
}

/** Bound directories and volumes, those without a name by the one they were given; a tmpfs is nobody else's. */
function sharedMounts(engine: Engine, record: ContainerRecord, readOnly: boolean): readonly MountConfig[] {
  const image = loadContainerImage(engine, record);
  const binds = record.config.mounts.flatMap((mount): MountConfig[] =>
    mount.type === "bind" ? [{ ...mount, readOnly: mount.readOnly || readOnly }] : [],
  );
  const volumes = volumeMountsOf(record.id, record.config, image.config).map(
    (volume): MountConfig => ({
      type: "volume",
      name: volume.name,
      target: volume.target,
      readOnly: volume.readOnly || readOnly,
      copy: volume.copy,
      ...(volume.subpath === undefined ? {} : { subpath: volume.subpath }),
    }),
  );
  return [...binds, ...volumes];
}

/**
 * Which volumes a container has: the ones it asks for and the ones its image declares, each with its name.
 *
 * Pure. An anonymous volume's name is derived from the container's id and the target, so that target and name need
 * no table and a restart finds the same one.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import type { ImageProcessConfig } from "../image/image-config.ts";
import { cleanPath } from "../spec/merge-process.ts";

export interface VolumeMount {
  readonly name: string;
  /** Absolute path in the container. */
  readonly target: string;
  readonly anonymous: boolean;
  readonly readOnly: boolean;
  /** First use copies what the image has at the target. */
  readonly copy: boolean;
  readonly subpath?: string;
  /** Of a volume that is made for this container. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
}

/** Volumes in the order of their flags, then those of the image's VOLUME that no other mount covers. */
export function volumeMountsOf(
  id: string,
  config: ContainerConfig,
  image: ImageProcessConfig,
): readonly VolumeMount[] {
  const asked = config.mounts.flatMap((mount): VolumeMount[] => {
    if (mount.type !== "volume") return [];
    const { name = anonymousVolumeName(id, mount.target), target, readOnly, subpath } = mount;
    return [
      {
        name,
        target,
        // What the image has at the target belongs into no part of a volume.
        copy: mount.copy && subpath === undefined,
        readOnly,
        anonymous: mount.name === undefined,
        ...(subpath === undefined ? {} : { subpath }),
        ...(mount.labels === undefined ? {} : { labels: mount.labels }),
        ...(mount.driverOptions === undefined ? {} : { options: mount.driverOptions }),
      },
    ];
  });
  const covered = new Set(config.mounts.map((mount) => cleanPath(mount.target)));
  const declared = Object.keys(image.Volumes ?? {})
    .map(cleanPath)
    .filter((target) => !covered.has(target))
    .map((target) => ({
      name: anonymousVolumeName(id, target),
      target,
      copy: true,
      readOnly: false,
      anonymous: true,
    }));
  return [...asked, ...declared];
}

/** 64 hex digits, docker's form. */
function anonymousVolumeName(containerId: string, target: string): string {
  return new Bun.CryptoHasher("sha256").update(`${containerId}\0${target}`).digest("hex");
}

/**
 * Which mounts have no path of the host as their source, and are made by mount-stage.ts. Pure.
 */
import type { MountConfig } from "../config/container-config.ts";

export type BindMount = Extract<MountConfig, { type: "bind" }>;
export type ImageMount = Extract<MountConfig, { type: "image" }>;
export type VolumeMount = Extract<MountConfig, { type: "volume" }>;
export type StagedMountConfig = BindMount | ImageMount | VolumeMount;

/** An image, `-v …:O`, a part of a volume. */
export function isStaged(mount: MountConfig): mount is StagedMountConfig {
  if (mount.type === "bind") return mount.overlay === true;
  return mount.type === "image" || (mount.type === "volume" && mount.subpath !== undefined);
}

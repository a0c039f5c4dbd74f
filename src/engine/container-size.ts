/**
 * What a container has written, and how large its root file system is with its image.
 */
import { join } from "node:path";
import { getImage } from "../state/image.ts";
import type { ContainerRecord } from "../state/record.ts";
import { writtenBytes } from "../storage/written-bytes.ts";
import { containerFolder } from "./container-paths.ts";
import type { Engine } from "./engine.ts";

export interface ContainerSize {
  /** docker's SizeRw. */
  readonly writtenBytes: number;
  /** docker's SizeRootFs. */
  readonly rootfsBytes: number;
}

/** Walks the container's files. Where each container has a copy of its image, what is more than the image counts as written. */
export function loadContainerSize(engine: Engine, { id, imageId }: ContainerRecord): ContainerSize {
  const folder = containerFolder(engine.paths, id);
  const imageBytes = getImage(engine.state, imageId)?.sizeBytes ?? 0;
  const copied = writtenBytes(join(folder, "rootfs"));
  const written = copied > 0 ? Math.max(0, copied - imageBytes) : writtenBytes(join(folder, "upper"));
  return { writtenBytes: written, rootfsBytes: written + imageBytes };
}

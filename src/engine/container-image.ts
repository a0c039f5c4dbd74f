/**
 * The image config that a container was made from, kept in the container's own folder, so that it starts and shows
 * itself without the image store.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BockerError } from "../errors.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import { type ImageConfig, parseImageConfig } from "../image/image-config.ts";
import { noSuchContainer } from "../state/container.ts";
import type { ContainerRecord } from "../state/record.ts";
import { containerFolder } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { isRemoved } from "./removed-meanwhile.ts";

const fileName = "image.json";

/** Keeps a copy of the image config's bytes; the folder must exist. The last step of making a container. */
export function keepContainerImage(folder: string, bytes: Uint8Array): void {
  writeFileAtomic(join(folder, fileName), bytes, { mode: 0o600 });
}

/** Whether the making of a container came to its end. */
export function hasContainerImage(engine: Engine, { id }: ContainerRecord): boolean {
  return existsSync(join(containerFolder(engine.paths, id), fileName));
}

/** Reads it back. Throws kind `corrupt` where it is missing or damaged, `not-found` where the container is being removed. */
export function loadContainerImage(engine: Engine, record: ContainerRecord): ImageConfig {
  try {
    return parseImageConfig(readFileSync(join(containerFolder(engine.paths, record.id), fileName)));
  } catch (cause) {
    if (isRemoved(engine, record)) throw noSuchContainer(record.name);
    throw new BockerError(`cannot read the image config of container "${record.name}"`, {
      kind: "corrupt",
      cause,
      hint: `bocker rm -f ${record.name} and run it again`,
    });
  }
}

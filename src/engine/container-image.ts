/**
 * The image config that a container was made from, kept in the container's own folder, so that it starts and shows
 * itself without the image store.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BockerError } from "../errors.ts";
import { type ImageConfig, parseImageConfig } from "../image/image-config.ts";
import type { ContainerRecord } from "../state/record.ts";
import { containerFolder } from "./container-paths.ts";
import type { Engine } from "./engine.ts";

const fileName = "image.json";

/** Keeps a copy of the image config's bytes; the folder must exist. */
export function keepContainerImage(folder: string, bytes: Uint8Array): void {
  writeFileSync(join(folder, fileName), bytes, { mode: 0o600 });
}

/** Reads it back. Throws kind `corrupt` where it is missing or damaged. */
export function loadContainerImage(engine: Engine, record: ContainerRecord): ImageConfig {
  try {
    return parseImageConfig(readFileSync(join(containerFolder(engine.paths, record.id), fileName)));
  } catch (cause) {
    throw new BockerError(`cannot read the image config of container "${record.name}"`, {
      kind: "corrupt",
      cause,
      hint: `bocker rm -f ${record.name} and run it again`,
    });
  }
}

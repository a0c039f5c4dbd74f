/**
 * `--rootfs DIR`: a directory of the host in place of an image, podman's way. What is asked of the image's config is empty.
 *
 * `DIR` itself is the root file system, and what the container writes is written there; with `DIR:O` it goes into an
 * overlay of the container's own.
 */
import { statSync } from "node:fs";
import { BockerError, messageOf } from "../errors.ts";
import { hostPlatform } from "../image/platform.ts";
import type { LocalImage } from "./resolve-image.ts";

export interface RootDirectory {
  readonly path: string;
  readonly overlay: boolean;
}

/** Takes the argument of --rootfs apart. Throws for podman's other suffix. */
export function parseRootDirectory(text: string): RootDirectory {
  if (text.endsWith(":O")) return { path: text.slice(0, -2), overlay: true };
  if (!/:idmap(=|$)/.test(text)) return { path: text, overlay: false };
  throw new BockerError(`cannot use "${text}" as the root file system: :idmap is not supported`, {
    kind: "unsupported",
    hint: ":O keeps the directory as it is",
  });
}

/** An image without layers. Throws for what is no directory. */
export function directoryImage(text: string): LocalImage {
  const { path } = parseRootDirectory(text);
  const problem = directoryProblem(path);
  if (problem !== undefined) {
    throw new BockerError(`cannot use "${path}" as the root file system: ${problem}`, { kind: "not-found" });
  }
  const config = {
    architecture: hostPlatform().architecture,
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [] },
  };
  return { id: "", name: text, configBytes: Buffer.from(JSON.stringify(config)) };
}

function directoryProblem(path: string): string | undefined {
  try {
    return statSync(path).isDirectory() ? undefined : "not a directory";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? "no such file or directory" : messageOf(error);
  }
}

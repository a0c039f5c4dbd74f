/**
 * The storage driver that a user asks for. Pure; what each does is in src/storage.
 */
import { BockerError } from "../errors.ts";

export type StorageDriverSetting = "auto" | "overlay" | "btrfs" | "vfs";

/** docker's and the older bockers' names beside our own. */
const settings: Readonly<Record<string, StorageDriverSetting>> = {
  auto: "auto",
  overlay: "overlay",
  overlay2: "overlay",
  btrfs: "btrfs",
  vfs: "vfs",
};

/** Throws kind `unsupported` with the reason. */
export function parseStorageDriver(text: string): StorageDriverSetting {
  const setting = Object.hasOwn(settings, text) ? settings[text] : undefined;
  if (setting !== undefined) return setting;
  if (text === "aufs") {
    throw new BockerError('the storage driver "aufs" is gone: no kernel has aufs any more', {
      kind: "unsupported",
      hint: 'overlay does the same and is in every kernel: --storage-driver overlay, or "auto"',
    });
  }
  throw new BockerError(`unknown storage driver ${JSON.stringify(text)}`, {
    kind: "unsupported",
    hint: "there are overlay, btrfs and vfs; auto picks the best that the state root can carry",
  });
}

/**
 * Directories for what a build unpacks and fetches before it is copied. They are under tmp/ and hold a lock: gone when
 * the build ends, and swept by the next command when it dies.
 */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "../../host/paths.ts";
import { randomHex } from "../../host/random-id.ts";
import { prepareLayout } from "../../storage/oci-layout.ts";
import { removeTree } from "../../storage/remove-tree.ts";
import { lockTransient, type TransientLock } from "../../storage/transient-lock.ts";

export class BuildScratch implements Disposable {
  readonly #paths: Paths;
  readonly #directory: string;
  readonly #lock: TransientLock;
  #made = 0;

  private constructor(paths: Paths, stem: string, lock: TransientLock) {
    this.#paths = paths;
    this.#directory = `${stem}.build`;
    this.#lock = lock;
  }

  /** Nothing is made on the disk but the lock until a directory is asked for. */
  static async open(paths: Paths): Promise<BuildScratch> {
    prepareLayout(paths);
    // The name is one that sweep-storage.ts knows.
    const stem = join(paths.tmp, `import-${randomHex(8)}`);
    return new BuildScratch(paths, stem, await lockTransient(`${stem}.lock`, { removeFile: true }));
  }

  /** A new, empty directory that only root can enter from above. */
  makeDirectory(): string {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.#made += 1;
    const path = join(this.#directory, String(this.#made));
    mkdirSync(path);
    // Whatever our umask says: it may become a directory of the image.
    chmodSync(path, 0o755);
    return path;
  }

  [Symbol.dispose](): void {
    if (this.#made > 0) removeTree(this.#paths, this.#directory);
    this.#lock[Symbol.dispose]();
  }
}

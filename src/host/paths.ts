/**
 * Where bocker keeps things on the host: every path is derived here from two roots, so that tests and rootless
 * use can move them. No effects.
 *
 *   root (/var/lib/bocker, BOCKER_ROOT)             run (/run/bocker, BOCKER_RUN)
 *   ├── state.db            SQLite, WAL             └── containers/ID/attach.sock   the monitor's door
 *   ├── image/              OCI image layout
 *   │   └── blobs/sha256/…
 *   ├── layer/HEX/          an applied layer, named by diffID; complete once it is there
 *   ├── chain/HEX/          a whole image as a btrfs subvolume, named by chainID; with that driver only
 *   ├── container/ID/       upper/ work/ container.toml hostname hosts resolv.conf log.json …
 *   ├── volume/NAME/_data
 *   ├── secret/ID           values, 0600
 *   ├── build/HEX/          directories of builds' `RUN --mount=type=cache`
 *   └── tmp/                whatever is not finished; swept
 */
import { join } from "node:path";

export interface Paths {
  readonly root: string;
  readonly run: string;
  readonly database: string;
  readonly imageLayout: string;
  readonly blobs: string;
  readonly layers: string;
  readonly chains: string;
  readonly containers: string;
  readonly volumes: string;
  readonly secrets: string;
  readonly buildMounts: string;
  readonly tmp: string;
  readonly runContainers: string;
}

/** Derives every path from the state root and the runtime root (both absolute). */
export function pathsUnder(root: string, run: string): Paths {
  return {
    root,
    run,
    database: join(root, "state.db"),
    imageLayout: join(root, "image"),
    blobs: join(root, "image/blobs/sha256"),
    layers: join(root, "layer"),
    chains: join(root, "chain"),
    containers: join(root, "container"),
    volumes: join(root, "volume"),
    secrets: join(root, "secret"),
    buildMounts: join(root, "build"),
    tmp: join(root, "tmp"),
    runContainers: join(run, "containers"),
  };
}

/**
 * `export`: a container's root file system as one flat tar, whether it runs or not.
 */
import { appendContainerEvent } from "../state/event.ts";
import type { ContainerRecord } from "../state/record.ts";
import { compress, compressionOfName, type TarCompression } from "../storage/compress.ts";
import { type ArchivePlace, openPlace } from "./archive-place.ts";
import { packRootfs } from "./container-changes.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { withPaused } from "./paused.ts";
import { unlessRemoved } from "./removed-meanwhile.ts";

export interface ExportOptions {
  readonly compression: TarCompression;
  /** Let a running container stand still meanwhile; docker's export does not. */
  readonly pause: boolean;
  /** SOURCE_DATE_EPOCH: the latest time of a file. */
  readonly epochSeconds?: number;
}

/** As exportContainer into the file `path`, compressed as its name says. */
export async function exportFile(
  engine: Engine,
  nameOrId: string,
  path: string,
  options: Omit<ExportOptions, "compression">,
): Promise<void> {
  const compression = compressionOfName(path);
  await exportContainer(engine, nameOrId, { file: path }, { ...options, compression });
}

/** Throws docker's `No such container: x`. */
export async function exportContainer(
  engine: Engine,
  nameOrId: string,
  place: ArchivePlace,
  options: ExportOptions,
): Promise<void> {
  const record: ContainerRecord = await loadContainer(engine, nameOrId);
  const { epochSeconds } = options;
  const packing = epochSeconds === undefined ? {} : { latestSeconds: epochSeconds };
  await unlessRemoved(engine, record, nameOrId, () =>
    withPaused(engine, record, options.pause, async () => {
      await openPlace(place).writeAll(compress(packRootfs(engine, record, packing), options.compression));
    }),
  );
  appendContainerEvent(engine.state, record.id, "export");
}

/**
 * `history`: the steps an image was made by, newest first, with the size of each one's layer.
 */
import type { DiffID } from "../image/digest.ts";
import { loadLayerFacts } from "../storage/layer-directory.ts";
import { layersOf, loadImageConfig } from "../storage/local-image.ts";
import type { Engine } from "./engine.ts";
import { findImage } from "./find-image.ts";

export interface HistoryRow {
  /** The image's id for its last step; undefined for the others, which were never images here. */
  readonly id?: string;
  /** 0 where the image does not say. */
  readonly createdAtMs: number;
  readonly createdBy: string;
  /** Bytes of the unpacked layer; 0 for a step that only changed the config. */
  readonly sizeBytes: number;
  readonly comment: string;
}

/** Throws docker's `No such image: x:latest`. */
export async function loadImageHistory(engine: Engine, name: string): Promise<readonly HistoryRow[]> {
  const image = await findImage(engine, name);
  const { history } = loadImageConfig(engine.paths, image);
  const layers: DiffID[] = [...layersOf(image)];
  const rows = history.map((entry) => {
    const layer = entry.empty_layer === true ? undefined : layers.shift();
    const createdAtMs = Date.parse(entry.created ?? "");
    return {
      createdAtMs: Number.isNaN(createdAtMs) ? 0 : createdAtMs,
      createdBy: entry.created_by ?? "",
      sizeBytes: layer === undefined ? 0 : loadLayerFacts(engine.paths, layer).sizeBytes,
      comment: entry.comment ?? "",
    };
  });
  return rows.toReversed().map((row, index) => (index === 0 ? { id: image.id, ...row } : row));
}

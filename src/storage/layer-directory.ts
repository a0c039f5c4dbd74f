/**
 * Applied layers on disk: layer/HEX, named by diffID and complete once it is there, with its facts in HEX.json.
 * Making one is apply-layer.ts.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "../host/paths.ts";
import { type DiffID, digestHex } from "../image/digest.ts";
import type { LayerFacts } from "./layer-message.ts";

/** Path of an applied layer, or where it will be. */
export function layerPath(paths: Paths, diffID: DiffID): string {
  return join(paths.layers, digestHex(diffID));
}

export function hasLayer(paths: Paths, diffID: DiffID): boolean {
  return existsSync(layerPath(paths, diffID));
}

/** Its size and how its root came to be. The layer must be there. */
export function loadLayerFacts(paths: Paths, diffID: DiffID): LayerFacts {
  return JSON.parse(readFileSync(`${layerPath(paths, diffID)}.json`, "utf8")) as LayerFacts;
}

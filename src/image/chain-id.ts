/**
 * ChainIDs: names for a layer together with all below it. Pure.
 *
 * ChainID(L0) = DiffID(L0); ChainID(L0|…|Ln) = SHA256(ChainID(L0|…|Ln-1) + " " + DiffID(Ln)); see
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md#layer-chainid
 */
import { type DiffID, digestOf } from "./digest.ts";

/** The ChainID of each layer over those below it, bottom first. */
export function chainIDs(diffIDs: readonly DiffID[]): DiffID[] {
  const chain: DiffID[] = [];
  for (const diffID of diffIDs) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffID : (digestOf(`${parent} ${diffID}`) as string as DiffID));
  }
  return chain;
}

/**
 * ADD: what its words name, fetched and unpacked where that is asked for, as trees to copy from.
 */
import type { SourceTree } from "../../build/source-tree.ts";
import type { CopyEffect } from "../../build/stage-state.ts";
import type { BuildContext } from "./build-context.ts";
import { openSource } from "./copy-sources.ts";

export interface AddSources extends Disposable {
  readonly sources: readonly { readonly tree: SourceTree; readonly path: string }[];
}

/** For each of the effect's sources, in order. What is made for it lies in the build's sandbox and goes with it. */
export async function openAddSources(build: BuildContext, effect: CopyEffect): Promise<AddSources> {
  const source = await openSource(build, undefined, effect.location);
  return {
    sources: effect.sources.map((path) => ({ tree: source.tree, path })),
    [Symbol.dispose]: () => source[Symbol.dispose](),
  };
}

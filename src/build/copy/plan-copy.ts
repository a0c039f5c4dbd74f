/**
 * A COPY or ADD whose words are known, upon trees that are open: its items, and the tar of its layer.
 *
 * Where a source is not there, the error says so as docker does, and what .dockerignore has to do with it.
 */
import { BockerError } from "../../errors.ts";
import { gather } from "../../storage/pack-tree.ts";
import { DockerfileProblem } from "../dockerfile/dockerfile-error.ts";
import { parseExcludes } from "../ignore-file.ts";
import type { SourceTree } from "../source-tree.ts";
import type { CopyEffect } from "../stage-state.ts";
import { octalMode, parseChmod } from "./chmod-mode.ts";
import { CopyTarget } from "./copy-target.ts";
import { type CopyItem, CopyPacker, type CopyRules } from "./pack-copy.ts";
import { isPattern, relativePath, type SelectedSource, selectSources } from "./select-sources.ts";

export interface CopyRequest {
  readonly effect: CopyEffect;
  /** For each of the effect's sources, the tree it is in and its name there. */
  readonly sources: readonly { readonly tree: SourceTree; readonly path: string }[];
  /** Descriptor of the files so far; undefined: there are none. */
  readonly targetRoot: number | undefined;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Seconds since the epoch of what is made; see CopyRules. */
  readonly seconds: number;
}

export interface CopyPlan {
  /** The layer's tar; may be asked for more than once, and is the same each time while nobody writes. */
  readonly pack: () => Generator<Buffer>;
}

/** Throws DockerfileProblem for sources that are not there and modes that are none. */
export function planCopy(request: CopyRequest): CopyPlan {
  const { effect, targetRoot } = request;
  const rules: CopyRules = {
    owner: request.owner,
    mode:
      effect.chmod === undefined
        ? undefined
        : located(effect, "--chmod", () => parseChmod(effect.chmod ?? "")),
    parentMode: (octalMode(effect.chmod ?? "") ?? 0o755) & 0o777,
    exclude: located(effect, "--exclude", () => parseExcludes(effect.exclude)),
    seconds: request.seconds,
  };
  const items = request.sources
    .flatMap(({ tree, path }) => itemsOf(effect, tree, path))
    .filter(({ source }) => source.isDirectory || !rules.exclude.isIgnored(source.path.replace(/^.*\//, "")));
  return { pack: () => gather(packAll(effect, items, new CopyPacker(new CopyTarget(targetRoot), rules))) };
}

/** Digest of the tar: the same for the same names, modes, owners and bytes, wherever and whenever they were written. */
export function digestOfPlan(plan: CopyPlan): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const piece of plan.pack()) hasher.update(piece);
  return `sha256:${hasher.digest("hex")}`;
}

function* packAll(effect: CopyEffect, items: readonly CopyItem[], packer: CopyPacker): Generator<Buffer> {
  try {
    for (const item of items) yield* packer.pack(item);
    // What --parents copies into is a directory that is made even where a pattern matches nothing.
    if (effect.parents && items.length === 0) yield* packer.makeDestination(effect.destination);
    for (const document of effect.documents) yield* packer.packDocument(document, effect.destination);
    yield* packer.end();
  } catch (error) {
    if (error instanceof BockerError) throw new DockerfileProblem(error.message, effect.location);
    throw error;
  }
}

function itemsOf(effect: CopyEffect, tree: SourceTree, path: string): readonly CopyItem[] {
  const [pivot, pattern] = splitPivot(path, effect.parents);
  const found = located(effect, path, () => selectSources(tree, joined(pivot, pattern), effect.parents));
  if (found.length === 0 && !isPattern(path)) throw missing(effect, tree, path);
  return found.map((source) => ({
    tree,
    source,
    destination: effect.destination,
    ...(effect.parents ? { parents: parentsOf(tree, source, relativePath(pivot)) } : {}),
  }));
}

/** `a/./b/c` with --parents: below the destination it is `b/c`. */
function splitPivot(path: string, parents: boolean): readonly [string, string] {
  const at = parents ? path.indexOf("/./") : -1;
  return at < 0 ? ["", path] : [path.slice(0, at), path.slice(at + 3)];
}

function joined(pivot: string, pattern: string): string {
  return pivot === "" ? pattern : `${pivot}/${pattern}`;
}

function parentsOf(tree: SourceTree, source: SelectedSource, pivot: string): readonly SelectedSource[] {
  const names = source.path.split("/");
  const skipped = pivot === "" ? 0 : pivot.split("/").length;
  return names.slice(skipped, -1).flatMap((_, index) => {
    const path = names.slice(0, skipped + index + 1).join("/");
    return selectSources(tree, path.replace(/[\\*?[]/g, "\\$&"));
  });
}

function missing(effect: CopyEffect, tree: SourceTree, path: string): DockerfileProblem {
  const name = relativePath(path);
  const rule = tree.ignore.reasonFor(name);
  return new DockerfileProblem(
    `failed to compute cache key: failed to calculate checksum of ref ${tree.label}: ${JSON.stringify(`/${name}`)}: not found`,
    effect.location,
    {
      word: path,
      hint:
        rule === undefined
          ? undefined
          : `it is left out of the context by ${JSON.stringify(rule.pattern)}, line ${rule.line} of .dockerignore`,
    },
  );
}

function located<T>(effect: CopyEffect, word: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof DockerfileProblem) throw error;
    throw new DockerfileProblem(error.message, effect.location, { word });
  }
}

/**
 * Whether the image store is whole: every row has its blobs and layers, every blob its digest, and nothing lies around
 * that no image leads to.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../errors.ts";
import { type DiffID, type Digest, digestProblem } from "../image/digest.ts";
import { type Descriptor, maxManifestBytes, parseManifest } from "../image/manifest.ts";
import { listImages, listTags } from "../state/image.ts";
import type { ImageRecord } from "../state/record.ts";
import { applyLayer } from "../storage/apply-layer.ts";
import { hashBlob } from "../storage/blob-digest.ts";
import { BlobStore } from "../storage/blob-store.ts";
import { collectGarbage, findGarbage } from "../storage/collect-garbage.ts";
import { DiskUsage } from "../storage/disk-usage.ts";
import { hasLayer, layerPath, loadLayerFacts } from "../storage/layer-directory.ts";
import { layersOf, loadImageConfig } from "../storage/local-image.ts";
import { readLayoutIndex, removeLayoutTags, setLayoutTag } from "../storage/oci-layout.ts";
import { tryOwnStore } from "../storage/store-hold.ts";
import { findLeftovers, sweepStorage } from "../storage/sweep-storage.ts";
import type { Problem } from "./check-problem.ts";
import type { Engine } from "./engine.ts";

const pullAgain = "remove the image and pull it again";
const refName = "org.opencontainers.image.ref.name";

/** `deep`: reads every byte of every blob, and looks at every file of every layer. */
export function checkImages(engine: Engine, options: { readonly deep: boolean }): readonly Problem[] {
  const problems = listImages(engine.state).flatMap((image) => checkImage(engine, image));
  return [
    ...problems,
    ...(options.deep ? [...checkDigests(engine), ...checkLayerFiles(engine)] : []),
    ...checkIndex(engine),
    ...checkGarbage(engine),
    ...checkUnfinished(engine),
  ];
}

function checkImage(engine: Engine, image: ImageRecord): readonly Problem[] {
  const about = `image ${image.id.replace("sha256:", "").slice(0, 12)}`;
  const blobs = new BlobStore(engine.paths);
  let layerBlobs: readonly Descriptor[];
  try {
    loadImageConfig(engine.paths, image);
    const manifest = parseManifest(blobs.readBytes(image.manifestDigest as Digest, maxManifestBytes));
    layerBlobs = manifest.kind === "manifest" ? manifest.layers : [];
  } catch (error) {
    return [{ what: `${about}: ${messageOf(error)}`, hint: pullAgain }];
  }
  const wrong = layerBlobs.flatMap(({ digest, size }) => {
    const found = blobs.size(digest);
    if (found === size) return [];
    const problem = found === undefined ? "is missing" : `has ${found} bytes, not ${size}`;
    return [{ what: `${about}: blob ${digest} ${problem}`, hint: pullAgain }];
  });
  return [
    ...wrong,
    ...layersOf(image).flatMap((diffID, at) => checkLayer(engine, about, diffID, layerBlobs[at])),
  ];
}

/** A layer that is missing, or without its facts, is unpacked again from its blob. */
function checkLayer(
  engine: Engine,
  about: string,
  diffID: DiffID,
  blob: Descriptor | undefined,
): readonly Problem[] {
  const { paths } = engine;
  if (hasLayer(paths, diffID) && factsProblem(engine, diffID) === undefined) return [];
  const what = `${about}: layer ${diffID} ${hasLayer(paths, diffID) ? "has no facts" : "is missing"}`;
  const store = new BlobStore(paths);
  if (blob === undefined || !store.has(blob.digest) || hasLayer(paths, diffID))
    return [{ what, hint: pullAgain }];
  return [{ what, repair: () => applyLayer({ paths, blob: store.path(blob.digest), diffID }) }];
}

function factsProblem(engine: Engine, diffID: DiffID): string | undefined {
  try {
    loadLayerFacts(engine.paths, diffID);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** A blob with wrong bytes is removed, so that the next pull fetches it anew. */
function checkDigests({ paths }: Engine): readonly Problem[] {
  const folder = join(paths.imageLayout, "blobs");
  return namesIn(folder).flatMap((algorithm) =>
    namesIn(join(folder, algorithm)).flatMap((hex) => {
      const digest = `${algorithm}:${hex}`;
      const path = join(folder, algorithm, hex);
      if (digestProblem(digest) !== undefined)
        return [{ what: `${path}: ${digestProblem(digest)}`, hint: "remove it" }];
      const got = hashBlob(path, digest as Digest);
      if (got === digest) return [];
      return [
        { what: `blob ${digest}: its bytes have the digest ${got}`, hint: `remove ${path} and pull again` },
      ];
    }),
  );
}

function checkLayerFiles(engine: Engine): readonly Problem[] {
  const layers = new Set(listImages(engine.state).flatMap((image) => layersOf(image)));
  return [...layers].flatMap((diffID) => {
    if (!hasLayer(engine.paths, diffID) || factsProblem(engine, diffID) !== undefined) return [];
    const want = loadLayerFacts(engine.paths, diffID).sizeBytes;
    const got = new DiskUsage({ apparent: true }).of(layerPath(engine.paths, diffID));
    if (got === want) return [];
    return [{ what: `layer ${diffID}: its files have ${got} bytes, not ${want}`, hint: pullAgain }];
  });
}

/** index.json is for other tools and follows the tags of the database. */
function checkIndex(engine: Engine): readonly Problem[] {
  const { paths, state } = engine;
  using owned = tryOwnStore(paths);
  if (owned === undefined) return [];
  const images = new Map(listImages(state).map((image) => [image.id, image]));
  const tags = new Map(
    listTags(state).map((tag) => [tag.reference, images.get(tag.imageId)?.manifestDigest]),
  );
  const listed = new Map(readLayoutIndex(paths).map((entry) => [entry.annotations?.[refName] ?? "", entry]));
  const stale = [...listed.keys()].filter((reference) => !tags.has(reference));
  const missing = [...tags].filter(
    ([reference, digest]) => digest !== undefined && listed.get(reference)?.digest !== digest,
  );
  return [
    ...stale.map((reference) => ({
      what: `index.json: lists ${JSON.stringify(reference)}, which is no tag`,
      repair: () => removeLayoutTags(paths, [reference]),
    })),
    ...missing.map(([reference, digest]) => ({
      what: `index.json: does not list ${JSON.stringify(reference)} as it is`,
      repair: () => setLayoutTag(paths, reference, descriptorOf(engine, digest as Digest)),
    })),
  ];
}

function descriptorOf({ paths }: Engine, digest: Digest): Descriptor {
  const bytes = new BlobStore(paths).readBytes(digest, maxManifestBytes);
  const { mediaType } = parseManifest(bytes);
  return { mediaType, digest, size: bytes.byteLength };
}

/** Told from what a pull is bringing by the lock that a pull holds. */
function checkGarbage(engine: Engine): readonly Problem[] {
  using owned = tryOwnStore(engine.paths);
  if (owned === undefined) return [];
  const names = { blobs: "blob", layers: "layer", chains: "chain" } as const;
  return findGarbage(engine).map(({ kind, name }) => ({
    what: `${names[kind]} ${name}: no image leads to it`,
    repair: () => collectGarbage(engine, { among: { [kind]: new Set([name]) } }),
  }));
}

/** Half-unpacked layers and trash that no living process works on. Unfinished downloads are worth something and stay. */
function checkUnfinished({ paths }: Engine): readonly Problem[] {
  return findLeftovers(paths).map((name) => ({
    what: `tmp/${name}: left by a process that was killed`,
    repair: () => sweepStorage(paths),
  }));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

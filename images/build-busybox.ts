#!/usr/bin/env bun
/**
 * Builds the embedded image at build time: images/busybox.toml and Debian's static busybox to
 *
 *   build/image/ARCH/busybox.tar.zst    the layer
 *   build/image/ARCH/busybox.oci        { reference, config, manifest }: the two documents as text
 *
 * usage: build-busybox.ts x86_64|arm64. Deterministic: entries sorted, one time, owner root. For another architecture
 * than the builder's the package is fetched with apt, into a private folder. BOCKER_BUSYBOX=FILE names a binary to
 * use instead; BOCKER_BUSYBOX=none builds without the embedded image.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "smol-toml";
import { findBusybox, listApplets } from "./build-source.ts";
import { type ImageDefinition, planEntries } from "./plan-entries.ts";
import { writeTar } from "./write-tar.ts";

const root = dirname(import.meta.dir);
/** Both as this project and as Debian and OCI call it. */
const architectures = { x86_64: "amd64", arm64: "arm64" } as const;
type Architecture = keyof typeof architectures;

interface ImageDocuments {
  readonly reference: string;
  readonly config: string;
  readonly manifest: string;
}

/** The OCI documents for a layer, as they will be stored. */
function describeImage(
  definition: ImageDefinition,
  architecture: Architecture,
  tar: Buffer,
  layer: Uint8Array,
): ImageDocuments {
  const { created } = definition;
  const config = JSON.stringify({
    created,
    architecture: architectures[architecture],
    os: "linux",
    config: definition.config,
    rootfs: { type: "layers", diff_ids: [sha256(tar)] },
    history: [{ created, created_by: `bocker: ${definition.package}` }],
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: describe("application/vnd.oci.image.config.v1+json", Buffer.from(config)),
    layers: [describe("application/vnd.oci.image.layer.v1.tar+zstd", layer)],
  });
  return { reference: definition.reference, config, manifest };
}

function describe(mediaType: string, bytes: Uint8Array) {
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
}

/** Readers of build/ never see half a file. */
function writeOutput(architecture: Architecture, name: string, data: Uint8Array | string): void {
  const path = join(root, "build/image", architecture, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, data);
  renameSync(`${path}.${process.pid}`, path);
}

function main(word: string | undefined): void {
  if (word !== "x86_64" && word !== "arm64") throw new Error("usage: build-busybox.ts x86_64|arm64");
  if (process.env.BOCKER_BUSYBOX === "none") {
    writeOutput(word, "busybox.tar.zst", "");
    writeOutput(word, "busybox.oci", "");
    return;
  }
  const definition = parse(
    readFileSync(join(import.meta.dir, "busybox.toml"), "utf8"),
  ) as unknown as ImageDefinition;
  const binary = findBusybox(definition, word);
  const tar = writeTar(
    planEntries(definition, binary, listApplets(definition)),
    Date.parse(definition.created) / 1000,
  );
  const layer = Bun.zstdCompressSync(tar, { level: 19 });
  writeOutput(word, "busybox.tar.zst", layer);
  writeOutput(word, "busybox.oci", JSON.stringify(describeImage(definition, word, tar, layer)));
}

try {
  main(process.argv[2]);
} catch (error) {
  console.error(`build-busybox: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

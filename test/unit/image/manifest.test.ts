import { describe, expect, test } from "bun:test";
import { digestOf } from "../../../src/image/digest.ts";
import { checkRunnable, type Manifest, parseManifest, selectManifest } from "../../../src/image/manifest.ts";
import { MediaType } from "../../../src/image/media-type.ts";

const digest = digestOf("x");
const config = { mediaType: MediaType.ociConfig, digest, size: 10 };
const layer = { mediaType: MediaType.ociLayerGzip, digest, size: 20 };
const manifest = { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers: [layer] };
const amd64 = { os: "linux", architecture: "amd64" };

function parse(json: unknown, contentType?: string) {
  return parseManifest(JSON.stringify(json), contentType);
}

describe("parseManifest", () => {
  test("reads OCI and docker manifests alike", () => {
    expect(parse(manifest, MediaType.ociManifest)).toEqual({
      kind: "manifest",
      mediaType: MediaType.ociManifest,
      config,
      layers: [layer],
    });
    const docker = { ...manifest, mediaType: MediaType.dockerManifest };
    expect(parse(docker, `${MediaType.dockerManifest}; charset=utf-8`)).toMatchObject({ kind: "manifest" });
  });

  test("reads an index with platforms and annotations", () => {
    const entry = { mediaType: MediaType.ociManifest, digest, size: 3, platform: { ...amd64, variant: "" } };
    const index = { schemaVersion: 2, manifests: [entry], annotations: { a: "b" } };
    const parsed = parse(index, MediaType.ociIndex);
    expect(parsed).toMatchObject({ kind: "index", manifests: [{ digest, platform: amd64 }] });
    expect(Object.entries(parsed.annotations ?? {})).toEqual([["a", "b"]]);
  });

  test("finds the type where neither sender nor document says it", () => {
    expect(parse({ schemaVersion: 2, config, layers: [] }).mediaType).toBe(MediaType.ociManifest);
    expect(parse({ schemaVersion: 2, manifests: [] }, "application/json").kind).toBe("index");
  });

  const bad: [string, unknown, string | undefined, string][] = [
    ["a list", [], undefined, "manifest must be an object, not a list"],
    ["null", null, undefined, "manifest must be an object, not null"],
    ["schema 1", { schemaVersion: 1, fsLayers: [] }, undefined, "schema 1 is no longer supported"],
    [
      "schema 1 by type",
      manifest,
      "application/vnd.docker.distribution.manifest.v1+prettyjws",
      "schema 1 is no longer supported",
    ],
    ["no version", { config, layers: [] }, undefined, "schemaVersion must be 2"],
    [
      "an unknown type",
      { ...manifest, mediaType: "x/y" },
      undefined,
      'unsupported manifest media type "x/y"',
    ],
    [
      "an unknown sent type",
      { schemaVersion: 2, config },
      "image/png",
      'unsupported manifest media type "image/png"',
    ],
    ["two types", manifest, MediaType.ociIndex, "calls itself"],
    ["both kinds", { ...manifest, manifests: [] }, undefined, "both layers and manifests"],
    ["no config", { schemaVersion: 2, layers: [] }, undefined, "manifest: config is missing"],
    [
      "a bad digest",
      { ...manifest, layers: [{ ...layer, digest: "sha256:../../etc" }] },
      undefined,
      "layers[0].digest",
    ],
    [
      "a negative size",
      { ...manifest, layers: [{ ...layer, size: -1 }] },
      undefined,
      "layers[0].size must be",
    ],
    ["a fraction", { ...manifest, layers: [{ ...layer, size: 1.5 }] }, undefined, "layers[0].size must be"],
    [
      "an immense size",
      { ...manifest, layers: [{ ...layer, size: 1e300 }] },
      undefined,
      "layers[0].size must be",
    ],
    [
      "many layers",
      { ...manifest, layers: Array(600).fill(layer) },
      undefined,
      "600 entries are more than 512",
    ],
    ["layers of text", { ...manifest, layers: "abc" }, undefined, "layers must be a list"],
  ];
  test.each(bad)("refuses %s", (_, json, type, message) => expect(() => parse(json, type)).toThrow(message));

  test("refuses what is not JSON, and not UTF-8", () => {
    expect(() => parseManifest("<html>")).toThrow("manifest: not valid JSON");
    expect(() => parseManifest(new Uint8Array([0x22, 0xff, 0x22]))).toThrow("manifest: not valid JSON");
  });
});

describe("selectManifest", () => {
  const entry = (text: string, name: string) => {
    const [os = "", architecture = "", variant] = text.split("/");
    const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
    return { mediaType: MediaType.ociManifest, digest: digestOf(name), size: 1, platform };
  };
  const index = (...manifests: unknown[]) => {
    const parsed = parse({ schemaVersion: 2, manifests });
    if (parsed.kind !== "index") throw new Error("not an index");
    return parsed;
  };

  test("takes the platform's entry, never an attestation", () => {
    const list = index(
      entry("unknown/unknown", "att"),
      entry("linux/arm64", "arm"),
      entry("linux/amd64", "amd"),
    );
    expect(selectManifest(list, amd64).digest).toBe(digestOf("amd"));
  });

  test("says what there is when nothing fits", () => {
    const list = index(
      entry("linux/arm64", "arm"),
      entry("linux/s390x", "s"),
      entry("unknown/unknown", "att"),
    );
    expect(() => selectManifest(list, amd64)).toThrow(
      expect.objectContaining({
        message: "no matching manifest for linux/amd64 in the manifest list entries",
        hint: "it has: linux/arm64, linux/s390x; choose one with --platform",
      }),
    );
  });

  test("takes the only entry when it names no platform, and never one of several", () => {
    const bare = { mediaType: MediaType.ociManifest, digest, size: 1 };
    expect(selectManifest(index(bare), amd64).digest).toBe(digest);
    expect(() => selectManifest(index(bare, bare), amd64)).toThrow("no matching manifest");
    expect(() => selectManifest(index(), amd64)).toThrow("no matching manifest");
  });
});

describe("checkRunnable", () => {
  const check = (changes: Partial<Manifest>) =>
    checkRunnable({ ...(parse(manifest) as Manifest), ...changes });

  test("accepts every layer compression there is", () => {
    const types = [
      MediaType.ociLayer,
      MediaType.ociLayerZstd,
      MediaType.dockerLayerGzip,
      MediaType.dockerLayer,
    ];
    check({ layers: types.map((mediaType) => ({ ...layer, mediaType })) });
  });

  test("refuses artifacts, foreign and unknown layers, and a giant config, by name", () => {
    expect(() =>
      check({ config: { ...config, mediaType: "application/vnd.cncf.helm.config.v1+json" } }),
    ).toThrow("is not a container image");
    const foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    expect(() => check({ layers: [{ ...layer, mediaType: foreign }] })).toThrow(`layer ${digest} is foreign`);
    expect(() => check({ layers: [{ ...layer, mediaType: "text/plain" }] })).toThrow("unknown media type");
    expect(() => check({ config: { ...config, size: 1e9 } })).toThrow("larger than");
  });
});

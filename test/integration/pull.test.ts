/** Pulls from Debian's registry and from liars into a store of the test's own: what is kept, what is told, what is left. */

import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPullProgress } from "../../src/cli/pull-progress.ts";
import { type PullDeps, pullImage } from "../../src/engine/pull.ts";
import type { PullEvent } from "../../src/engine/pull-event.ts";
import { pathsUnder } from "../../src/host/paths.ts";
import { digestHex } from "../../src/image/digest.ts";
import { hostPlatform, type Platform, parsePlatform } from "../../src/image/platform.ts";
import { parseReference, withDefaultTag } from "../../src/image/reference.ts";
import { defaultRegistrySettings, defaultTiming } from "../../src/registry/registry-settings.ts";
import { listEvents } from "../../src/state/event.ts";
import { findImageByReference, listImages, listTags } from "../../src/state/image.ts";
import { openState } from "../../src/state/state.ts";
import { layerPath } from "../../src/storage/apply-layer.ts";
import { BlobStore } from "../../src/storage/blob-store.ts";
import { startLyingRegistry } from "../lib/lying-registry.ts";
import { makeBlob, makeImage, makeIndex, makeManifest, type TestImage } from "../lib/oci-image.ts";
import { startRegistry } from "../lib/registry-fixture.ts";

const timing = { ...defaultTiming, attempts: 2, backoffMs: 5, stallMs: 500 };
const registries = { ...defaultRegistrySettings, certificateFolders: [], timing };

interface Store extends Disposable {
  readonly deps: PullDeps;
  readonly blobs: BlobStore;
  /** Pulls and gives every event; the image is in the last's place. */
  pull(name: string, platform?: Platform): Promise<PullEvent[]>;
  /** What a pull shows away from a terminal. */
  show(name: string): Promise<string[]>;
  /** Files under tmp/ but for locks. */
  unfinished(): string[];
}

function openStore(): Store {
  const root = mkdtempSync(join(tmpdir(), "bocker-pull-"));
  const paths = pathsUnder(root, join(root, "run"));
  const state = openState(paths);
  const deps: PullDeps = { paths, state, registries };
  const pull = async (name: string, platform?: Platform) => {
    const events: PullEvent[] = [];
    const reference = withDefaultTag(parseReference(name));
    const onProgress = (event: PullEvent) => events.push(event);
    await pullImage(deps, reference, { onProgress, ...(platform === undefined ? {} : { platform }) });
    return events;
  };
  return {
    deps,
    blobs: new BlobStore(paths),
    pull,
    async show(name) {
      let text = "";
      const progress = createPullProgress({ write: (part) => (text += part) });
      for (const event of await pull(name)) progress(event);
      return text.trimEnd().split("\n");
    },
    unfinished: () => readdirSync(paths.tmp).filter((file) => !file.endsWith(".lock")),
    [Symbol.dispose]() {
      state.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

const files = (text: string) => [{ name: "etc" }, { name: "etc/motd", content: text, mode: 0o600 }];
const two = makeImage([
  files("one"),
  [{ name: "bin" }, { name: "bin/tool", content: "x".repeat(5000), mode: 0o4755 }],
]);

function short(image: TestImage): string[] {
  return image.layers.map((layer) => digestHex(layer.descriptor.digest).slice(0, 12));
}

describe("a pull", () => {
  test("brings blobs, layers, row, tag and event, and says what docker says", async () => {
    await using registry = await startRegistry();
    using store = openStore();
    await registry.push("team/app:1", two);
    const name = `${registry.host}/team/app:1`;
    const { digest } = two.manifest.descriptor;
    const [a = "", b = ""] = short(two);
    const lines = await store.show(name);
    expect(lines[0]).toBe("1: Pulling from team/app");
    expect(lines.slice(-2)).toEqual([`Digest: ${digest}`, `Status: Downloaded newer image for ${name}`]);
    for (const id of [a, b]) {
      const own = lines.filter((line) => line.startsWith(id)).map((line) => line.slice(14));
      expect(own.filter((status) => status !== "Waiting")).toEqual([
        "Pulling fs layer",
        "Verifying Checksum",
        "Download complete",
        "Pull complete",
      ]);
    }

    const image = findImageByReference(store.deps.state, name);
    expect(image).toMatchObject({
      id: two.config.descriptor.digest,
      manifestDigest: digest,
      createdAtMs: Date.parse("2024-01-02T03:04:05Z"),
      layers: two.diffIDs,
      sizeBytes: 5003,
    });
    expect(listTags(store.deps.state)).toMatchObject([
      { reference: name, repoDigest: `${registry.host}/team/app@${digest}` },
    ]);
    expect(listEvents(store.deps.state)).toMatchObject([{ type: "image", action: "pull", id: name }]);
    for (const blob of [two.manifest, two.config, ...two.layers]) {
      expect(readFileSync(store.blobs.path(blob.descriptor.digest)).equals(blob.bytes)).toBe(true);
    }
    const [, upper] = two.diffIDs;
    const tool = statSync(join(layerPath(store.deps.paths, upper as never), "bin/tool"));
    expect([tool.size, tool.mode & 0o7777]).toEqual([5000, 0o4755]);
    expect(store.unfinished()).toEqual([]);
  });

  test("of what is there already asks one question and changes nothing", async () => {
    await using registry = await startRegistry();
    using store = openStore();
    await registry.push("app:1", two);
    const name = `${registry.host}/app:1`;
    await store.pull(name);
    const before = registry.requests().length;
    expect(await store.show(name)).toEqual([
      "1: Pulling from app",
      `Digest: ${two.manifest.descriptor.digest}`,
      `Status: Image is up to date for ${name}`,
    ]);
    const asked = registry.requests().slice(before);
    expect(asked.filter((line) => line.includes("/app/"))).toEqual(["HEAD /v2/app/manifests/1"]);
    expect(listImages(store.deps.state)).toHaveLength(1);
  });

  test("of a tag that moved keeps shared layers and leaves the old image without a name", async () => {
    await using registry = await startRegistry();
    using store = openStore();
    const name = `${registry.host}/app:1`;
    await registry.push("app:1", two);
    await store.pull(name);
    const next = makeImage([files("one"), files("changed")]);
    await registry.push("app:1", next);
    const lines = await store.show(name);
    expect(lines).toContain(`${short(two)[0]}: Already exists`);
    expect(lines.at(-1)).toBe(`Status: Downloaded newer image for ${name}`);
    expect(listImages(store.deps.state)).toHaveLength(2);
    expect(findImageByReference(store.deps.state, name)?.id).toBe(next.config.descriptor.digest);
    const index = JSON.parse(readFileSync(join(store.deps.paths.imageLayout, "index.json"), "utf8"));
    expect(index.manifests).toMatchObject([{ digest: next.manifest.descriptor.digest }]);
  });

  test("by digest has no tag, and keeps the index", async () => {
    await using registry = await startRegistry();
    using store = openStore();
    const platform = { ...hostPlatform() };
    const index = makeIndex([{ image: two, platform }]);
    await registry.push("app:1", two, index);
    const name = `${registry.host}/app@${index.descriptor.digest}`;
    const lines = await store.show(name);
    expect(lines[0]).toBe(`${name}: Pulling from app`);
    expect(listTags(store.deps.state)).toMatchObject([{ reference: name, repoDigest: name }]);
    expect(store.blobs.has(index.descriptor.digest)).toBe(true);
    expect((await store.show(name)).at(-1)).toBe(`Status: Image is up to date for ${name}`);
  });

  test.each(["none", "gzip", "zstd"] as const)("of %s layers, OCI and docker", async (compression) => {
    await using registry = await startRegistry();
    using store = openStore();
    for (const docker of [false, true]) {
      const image = makeImage([files(compression)], { compression, docker });
      await registry.push(`app:${docker}`, image);
      await store.pull(`${registry.host}/app:${docker}`);
      const [diffID] = image.diffIDs;
      expect(readFileSync(join(layerPath(store.deps.paths, diffID as never), "etc/motd"), "utf8")).toBe(
        compression,
      );
    }
  });

  test("of an image whose layers repeat, and of one with none", async () => {
    await using registry = await startRegistry();
    using store = openStore();
    const twice = makeImage([files("a"), files("b"), files("a")]);
    await registry.push("app:1", twice);
    await store.pull(`${registry.host}/app:1`);
    expect(listImages(store.deps.state)[0]?.layers).toEqual(twice.diffIDs);
    await registry.push("app:0", makeImage([]));
    await store.pull(`${registry.host}/app:0`);
    expect(listImages(store.deps.state)).toHaveLength(2);
  });

  test("for another platform: chosen from the index, warned of where there is no choice", async () => {
    await using registry = await startRegistry();
    using store = openStore();
    const s390x = parsePlatform("linux/s390x");
    const image = makeImage([files("s")], { platform: s390x });
    await registry.push(
      "app:1",
      image,
      makeIndex([{ image, platform: { os: "linux", architecture: "s390x" } }]),
    );
    await store.pull(`${registry.host}/app:1`, s390x);
    expect(listImages(store.deps.state)).toMatchObject([{ architecture: "s390x" }]);
    await expect(store.pull(`${registry.host}/app:1`)).rejects.toThrow("no matching manifest for linux/");
    await registry.push("app:2", two);
    const events = await store.pull(`${registry.host}/app:2`, s390x);
    expect(events.filter((event) => event.kind === "warning")).toHaveLength(1);
  });

  test("is read by skopeo and umoci as it lies on disk", async () => {
    await using registry = await startRegistry();
    using store = openStore();
    await registry.push("app:1", two);
    const name = `${registry.host}/app:1`;
    await store.pull(name);
    const layout = `oci:${store.deps.paths.imageLayout}:${name}`;
    const skopeo = Bun.spawnSync(["skopeo", "inspect", layout], { stderr: "pipe" });
    expect(skopeo.stderr.toString()).toBe("");
    expect(JSON.parse(skopeo.stdout.toString()).Digest).toBe(two.manifest.descriptor.digest);
    const list = Bun.spawnSync(["umoci", "list", "--layout", store.deps.paths.imageLayout]);
    expect(list.stdout.toString().trim()).toBe(name);
  });

  test("takes what skopeo pushes", async () => {
    await using registry = await startRegistry();
    using store = openStore();
    await registry.push("app:1", two);
    const source = `docker://${registry.host}/app:1`;
    const target = `docker://${registry.host}/copy:1`;
    const tls = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    const copy = Bun.spawnSync(["skopeo", "copy", "--format", "v2s2", ...tls, source, target], {
      stderr: "pipe",
    });
    expect(copy.exitCode, copy.stderr.toString()).toBe(0);
    await store.pull(`${registry.host}/copy:1`);
    expect(listImages(store.deps.state)[0]?.layers).toEqual(two.diffIDs);
  });
});

describe("two pulls at once", () => {
  test("download each blob once", async () => {
    await using registry = await startRegistry();
    using store = openStore();
    const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString("hex");
    const image = makeImage([files(noise), files("small")]);
    await registry.push("app:1", image);
    const name = `${registry.host}/app:1`;
    await Promise.all([store.pull(name), store.pull(name), store.pull(name)]);
    for (const layer of image.layers) {
      const path = `GET /v2/app/blobs/${layer.descriptor.digest}`;
      expect(registry.requests().filter((line) => line === path)).toHaveLength(1);
    }
    expect(listImages(store.deps.state)).toHaveLength(1);
    expect(store.unfinished()).toEqual([]);
  });
});

describe("a pull that fails", () => {
  /** No image, nothing half unpacked; only a part that the next pull goes on from may stay. */
  function expectNothing(store: Store): void {
    expect(listImages(store.deps.state)).toEqual([]);
    expect(listTags(store.deps.state)).toEqual([]);
    expect(store.unfinished().filter((file) => !file.endsWith(".part"))).toEqual([]);
  }

  test("in the middle of a layer is gone on with by the next", async () => {
    await using registry = startLyingRegistry();
    using store = openStore();
    const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(150_000))).toString("hex");
    const image = makeImage([files(noise)], { platform: hostPlatform() });
    registry.add("app:1", image);
    const [layer] = image.layers;
    if (layer === undefined) throw new Error("unreachable");
    const name = `${registry.host}/app:1`;
    registry.intercept = (_, url) =>
      url.pathname.endsWith(layer.descriptor.digest) ? stallingAfter(layer.bytes, 70_000) : undefined;
    await expect(store.pull(name)).rejects.toThrow("stalled");
    expectNothing(store);
    expect(statSync(store.blobs.partPath(layer.descriptor.digest)).size).toBe(70_000);
    registry.intercept = () => undefined;
    await store.pull(name);
    expect(registry.seen.at(-1)?.range).toBe("bytes=70000-");
    expect(listImages(store.deps.state)).toHaveLength(1);
    expect(store.unfinished()).toEqual([]);
  });

  test("on a part that is damaged starts that layer afresh", async () => {
    await using registry = startLyingRegistry();
    using store = openStore();
    registry.add("app:1", two);
    await store.pull(`${registry.host}/app:1`);
    const other = makeImage([files("other".repeat(5000))]);
    registry.add("app:2", other);
    const digest = other.layers[0]?.descriptor.digest as never;
    writeFileSync(store.blobs.partPath(digest), "rubbish");
    await store.pull(`${registry.host}/app:2`);
    expect(existsSync(store.blobs.partPath(digest))).toBe(false);
    expect(listImages(store.deps.state)).toHaveLength(2);
  });

  test("over a layer with other bytes than its digest says", async () => {
    await using registry = startLyingRegistry();
    using store = openStore();
    registry.add("app:1", two);
    const [layer] = two.layers;
    registry.intercept = (_, url) =>
      url.pathname.endsWith(layer?.descriptor.digest ?? "?")
        ? new Response(new Uint8Array(layer?.descriptor.size ?? 0))
        : undefined;
    await expect(store.pull(`${registry.host}/app:1`)).rejects.toThrow(
      `blob ${layer?.descriptor.digest}: digest mismatch: got`,
    );
    expectNothing(store);
    expect(store.blobs.has(layer?.descriptor.digest as never)).toBe(false);
  });

  test("over a layer that is not what the config says", async () => {
    await using registry = startLyingRegistry();
    using store = openStore();
    const manifest = makeManifest(two.config, [...two.layers].reverse());
    registry.add("app:1", { ...two, manifest });
    await expect(store.pull(`${registry.host}/app:1`)).rejects.toThrow("digest mismatch");
    expectNothing(store);
  });

  test("over a count of layers, a broken tar and a broken config", async () => {
    await using registry = startLyingRegistry();
    using store = openStore();
    registry.add("app:1", { ...two, manifest: makeManifest(two.config, two.layers.slice(1)) });
    await expect(store.pull(`${registry.host}/app:1`)).rejects.toThrow("manifest has 1 layers, config has 2");
    const rubbish = makeBlob(Buffer.from("no gzip at all"), two.layers[0]?.descriptor.mediaType ?? "");
    const layers = [rubbish, ...two.layers.slice(1)];
    registry.add("app:2", { ...two, layers, manifest: makeManifest(two.config, layers) });
    await expect(store.pull(`${registry.host}/app:2`)).rejects.toThrow(
      `cannot apply layer ${two.diffIDs[0]}`,
    );
    const config = makeBlob(Buffer.from("[]"), two.config.descriptor.mediaType);
    registry.add("app:3", { ...two, config, manifest: makeManifest(config, two.layers) });
    await expect(store.pull(`${registry.host}/app:3`)).rejects.toThrow("image config must be an object");
    expectNothing(store);
  });
});

/** The first bytes, and then silence. */
function stallingAfter(bytes: Uint8Array, count: number): Response {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(bytes.slice(0, count)),
    pull: () => new Promise(() => {}),
  });
  return new Response(body, { headers: { "content-length": String(bytes.byteLength) } });
}

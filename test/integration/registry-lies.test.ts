/** Registries that lie, stall and loop: each ends in a clear error that names the object, in bounded time. */
import { describe, expect, test } from "bun:test";
import { digestOf } from "../../src/image/digest.ts";
import { parseReference, withDefaultTag } from "../../src/image/reference.ts";
import { fetchBlob, fetchSmallBlob } from "../../src/registry/blobs.ts";
import { headManifest, resolveManifest } from "../../src/registry/manifests.ts";
import { createRegistryClient } from "../../src/registry/registry-client.ts";
import {
  defaultRegistrySettings,
  defaultTiming,
  type RegistrySettings,
} from "../../src/registry/registry-settings.ts";
import {
  type LyingRegistry,
  registryProblem,
  startCuttingRegistry,
  startLyingRegistry,
} from "../lib/lying-registry.ts";
import { makeBlob, makeImage, makeIndex } from "../lib/oci-image.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const timing = {
  ...defaultTiming,
  headersMs: 400,
  stallMs: 300,
  attempts: 3,
  backoffMs: 5,
  maxPauseMs: 1500,
};
const settings: RegistrySettings = { ...defaultRegistrySettings, certificateFolders: [], timing };
const image = makeImage([[{ name: "hello", content: "hi" }]]);
const big = makeBlob(crypto.getRandomValues(new Uint8Array(65536)), "application/vnd.oci.image.layer.v1.tar");

function open(registry: { readonly host: string }, name = "app:1", changes: Partial<RegistrySettings> = {}) {
  const reference = withDefaultTag(parseReference(`${registry.host}/${name}`));
  const client = createRegistryClient(reference.registry, { ...settings, ...changes }, () => undefined);
  const blob = async (descriptor = big.descriptor, offset = 0) =>
    Buffer.concat(await Array.fromAsync(fetchBlob(client, reference, descriptor, { offset })));
  return { client, reference, blob, resolve: () => resolveManifest(client, reference, amd64) };
}

/** The manifest's path answers with this. */
function manifestIs(registry: LyingRegistry, make: () => Response): void {
  registry.intercept = (_, url) => (url.pathname.includes("/manifests/") ? make() : undefined);
}

describe("manifests", () => {
  test("an honest answer comes with every digest", async () => {
    await using registry = startLyingRegistry();
    const other = makeImage([[{ name: "x", content: "arm" }]], {
      platform: { os: "linux", architecture: "arm64" },
    });
    const index = makeIndex([
      { image: other, platform: { os: "linux", architecture: "arm64" } },
      { image, platform: amd64 },
    ]);
    registry.add("app:1", image, index);
    const resolved = await open(registry).resolve();
    expect(resolved.digest).toBe(image.manifest.descriptor.digest);
    expect(resolved.topDigest).toBe(index.descriptor.digest);
    expect(resolved.manifest.layers.map((layer) => layer.digest)).toEqual(
      image.layers.map((l) => l.descriptor.digest),
    );
    const { client, reference } = open(registry);
    expect(await headManifest(client, reference)).toBe(index.descriptor.digest);
  });

  test("docker's phrases for what is not there", async () => {
    await using registry = startLyingRegistry();
    const { host } = registry;
    await expect(open(registry, "nope").resolve()).rejects.toThrow(
      `manifest for ${host}/nope:latest not found: manifest unknown: manifest unknown`,
    );
    manifestIs(registry, () => registryProblem(404, "NAME_UNKNOWN", "repository name not known to registry"));
    await expect(open(registry, "nope").resolve()).rejects.toThrow(
      `repository ${host}/nope not found: name unknown: repository name not known to registry`,
    );
    manifestIs(registry, () => registryProblem(403, "DENIED", "requested access to the resource is denied"));
    await expect(open(registry, "nope").resolve()).rejects.toThrow(
      `pull access denied for ${host}/nope, repository does not exist or may require 'docker login': ` +
        "denied: requested access to the resource is denied",
    );
  });

  const lies: [string, () => Response, string][] = [
    [
      "an HTML page",
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      "sent an HTML page",
    ],
    ["an HTML error", () => new Response("<html>", { status: 404 }), "not found: manifest unknown"],
    [
      "a redirect to nowhere",
      () => new Response(null, { status: 418 }),
      "received unexpected HTTP status: 418",
    ],
    [
      "another digest",
      () => new Response(image.manifest.bytes, { headers: { "docker-content-digest": digestOf("x") } }),
      "digest mismatch: got",
    ],
    [
      "a circle",
      () => new Response(null, { status: 307, headers: { location: "/v2/app/manifests/1" } }),
      "redirects more than 10 times",
    ],
    ["a challenge nobody can answer", () => new Response(null, { status: 401 }), "authentication required"],
    [
      "the same challenge for ever",
      () => new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } }),
      "no basic auth credentials",
    ],
    [
      "an unending failure",
      () => new Response(null, { status: 503 }),
      "received unexpected HTTP status: 503",
    ],
  ];
  test.each(lies)("%s", async (_, answer, message) => {
    await using registry = startLyingRegistry();
    manifestIs(registry, answer);
    await expect(open(registry).resolve()).rejects.toThrow(message);
    expect(registry.seen.length).toBeLessThan(20);
  });

  test("100 MB of manifest are not read", async () => {
    await using registry = startLyingRegistry();
    let sent = 0;
    manifestIs(registry, () => {
      const pull = (controller: ReadableStreamDefaultController) => {
        sent += 1 << 20;
        if (sent < 100 << 20) controller.enqueue(new Uint8Array(1 << 20).fill(32));
        else controller.close();
      };
      return new Response(new ReadableStream({ pull }), { headers: { "content-type": "application/json" } });
    });
    await expect(open(registry).resolve()).rejects.toThrow("is larger than 4194304 bytes");
    expect(sent).toBeLessThan(60 << 20);
  });

  test("by digest, other bytes are refused, whatever the header claims", async () => {
    await using registry = startLyingRegistry();
    const want = digestOf("something else");
    manifestIs(
      registry,
      () => new Response(image.manifest.bytes, { headers: { "docker-content-digest": want } }),
    );
    await expect(open(registry, `app@${want}`).resolve()).rejects.toThrow(
      `digest mismatch: got ${image.manifest.descriptor.digest}, want ${want}`,
    );
  });

  test("indexes within indexes without end", async () => {
    await using registry = startLyingRegistry();
    let inner = makeIndex([{ image, platform: amd64 }]);
    for (let depth = 0; depth < 5; depth++) {
      registry.addManifest("app", inner.descriptor.digest, inner);
      inner = makeIndex([{ image: { ...image, manifest: inner }, platform: amd64 }]);
    }
    registry.addManifest("app", "1", inner);
    await expect(open(registry).resolve()).rejects.toThrow("indexes are nested too deep");
  });
});

describe("blobs", () => {
  test("come whole, from an offset, and past a server without Range", async () => {
    await using registry = startLyingRegistry();
    registry.addBlob("app", big);
    const { blob } = open(registry);
    expect(digestOf(await blob())).toBe(big.descriptor.digest);
    expect(await blob(big.descriptor, 60_000)).toEqual(Buffer.from(big.bytes.subarray(60_000)));
    registry.intercept = (_, url) => (url.pathname.includes("/blobs/") ? new Response(big.bytes) : undefined);
    expect(await blob(big.descriptor, 60_000)).toEqual(Buffer.from(big.bytes.subarray(60_000)));
  });

  test("a broken line is bridged by Range", async () => {
    using registry = startCuttingRegistry(big.bytes, 30_000);
    expect(digestOf(await open(registry).blob())).toBe(big.descriptor.digest);
    expect(registry.ranges).toEqual([null, "bytes=30000-", "bytes=60000-"]);
  });

  test("a line that always breaks at once is given up", async () => {
    using registry = startCuttingRegistry(big.bytes, 0);
    await expect(open(registry).blob()).rejects.toThrow("connection closed unexpectedly");
    expect(registry.ranges.length).toBeLessThan(30);
  });

  const { digest, size } = big.descriptor;
  test.each([
    [
      "too long, and says so",
      () => new Response(new Uint8Array(size + 1)),
      `got ${size + 1} bytes, want ${size}`,
    ],
    ["too short, and says so", () => new Response(new Uint8Array(5)), `got 5 bytes, want ${size}`],
    ["endless", () => new Response(endless(65_000, 0)), `got more bytes, want ${size}`],
    ["not there", () => registryProblem(404, "BLOB_UNKNOWN", "blob unknown to registry"), "blob unknown"],
  ])("a body that is %s", async (_, answer, message) => {
    await using registry = startLyingRegistry();
    registry.intercept = (_request, url) => (url.pathname.includes("/blobs/") ? answer() : undefined);
    await expect(open(registry).blob()).rejects.toThrow(message);
  });

  test("a range from elsewhere", async () => {
    await using registry = startLyingRegistry();
    registry.intercept = (_, url) =>
      url.pathname.includes("/blobs/")
        ? new Response("x", { status: 206, headers: { "content-range": `bytes 500-500/${size}` } })
        : undefined;
    await expect(open(registry).blob(big.descriptor, 100)).rejects.toThrow('sent range "bytes 500-500');
  });

  test("a slow drip and a dead line both count as stalled", async () => {
    await using registry = startLyingRegistry();
    for (const pauseMs of [20, 60_000]) {
      registry.intercept = (_, url) =>
        url.pathname.includes("/blobs/") ? new Response(endless(1, pauseMs)) : undefined;
      const begin = performance.now();
      await expect(open(registry).blob()).rejects.toThrow("stalled: hardly any data");
      expect(performance.now() - begin).toBeLessThan(6000);
    }
  });

  test("a small blob with other content", async () => {
    await using registry = startLyingRegistry();
    registry.intercept = (_, url) =>
      url.pathname.includes("/blobs/") ? new Response(new Uint8Array(size)) : undefined;
    const { client, reference } = open(registry);
    await expect(fetchSmallBlob(client, reference, big.descriptor, size)).rejects.toThrow(
      `blob ${digest}: digest mismatch`,
    );
    await expect(fetchSmallBlob(client, reference, big.descriptor, size - 1)).rejects.toThrow(
      "is larger than",
    );
  });

  test("an abort ends the wait for data", async () => {
    await using registry = startLyingRegistry();
    registry.intercept = (_, url) =>
      url.pathname.includes("/blobs/") ? new Response(endless(9, 60_000)) : undefined;
    const { client, reference } = open(registry);
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error("enough")), 50);
    const reading = Array.fromAsync(fetchBlob(client, reference, big.descriptor, { signal: abort.signal }));
    await expect(reading).rejects.toThrow("enough");
  });
});

describe("connections", () => {
  test("no answer at all", async () => {
    await using registry = startLyingRegistry();
    registry.intercept = () => new Promise(() => {});
    await expect(open(registry).resolve()).rejects.toThrow("no answer within 0.4 s");
  });

  test("nobody there", async () => {
    const reference = withDefaultTag(parseReference("127.0.0.1:1/x"));
    const client = createRegistryClient(reference.registry, settings, () => undefined);
    await expect(resolveManifest(client, reference, amd64)).rejects.toThrow(
      'cannot reach registry "127.0.0.1:1": connection refused',
    );
  });

  test("429 and 503 are tried again, as late as Retry-After says", async () => {
    await using registry = startLyingRegistry();
    registry.add("app:1", image);
    const answers = [
      new Response(null, { status: 429, headers: { "retry-after": "1" } }),
      new Response(null, { status: 503 }),
    ];
    registry.intercept = (_, url) => (url.pathname.includes("/manifests/") ? answers.shift() : undefined);
    const begin = performance.now();
    await open(registry).resolve();
    expect(performance.now() - begin).toBeGreaterThan(1000);
    expect(answers).toEqual([]);
  });

  test("a Retry-After beyond all patience is an error at once", async () => {
    await using registry = startLyingRegistry();
    manifestIs(registry, () =>
      registryProblem(429, "TOOMANYREQUESTS", "rate limit", { "retry-after": "3600" }),
    );
    await expect(open(registry).resolve()).rejects.toThrow("toomanyrequests: rate limit");
    expect(registry.seen.filter((item) => item.path.includes("/manifests/"))).toHaveLength(1);
  });

  test("mirrors are asked first, and stand in for nothing they lack", async () => {
    await using mirror = startLyingRegistry();
    await using registry = startLyingRegistry();
    mirror.addManifest("cache/app", "1", image.manifest);
    registry.add("app:1", image);
    const mirrors = { [registry.host]: ["http://127.0.0.1:1", `http://${mirror.host}/cache`] };
    const { resolve, client, reference } = open(registry, "app:1", { mirrors });
    await resolve();
    expect(registry.seen).toEqual([]);
    await fetchSmallBlob(client, reference, image.config.descriptor, 1e6);
    expect(mirror.seen.at(-1)?.path).toContain("/v2/cache/app/blobs/");
    expect(registry.seen.at(-1)?.path).toContain("/v2/app/blobs/");
  });
});

function endless(chunkBytes: number, pauseMs: number): ReadableStream {
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue(new Uint8Array(chunkBytes));
      await Bun.sleep(pauseMs);
    },
  });
}

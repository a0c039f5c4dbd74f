/** Uploads to registries that break, ask for patience, and lie: each ends in the blob, or in a clear error. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../../src/image/digest.ts";
import { parseReference, type Repository } from "../../src/image/reference.ts";
import type { Credential } from "../../src/registry/credential.ts";
import { createRegistryClient } from "../../src/registry/registry-client.ts";
import {
  defaultRegistrySettings,
  defaultTiming,
  type RegistrySettings,
} from "../../src/registry/registry-settings.ts";
import { type UploadOptions, uploadBlob, uploadManifest } from "../../src/registry/upload.ts";
import { registryProblem } from "../lib/lying-registry.ts";
import { startUploadRegistry, type UploadRegistry } from "../lib/upload-registry.ts";

const timing = { ...defaultTiming, headersMs: 2000, attempts: 3, backoffMs: 5, maxPauseMs: 1500 };
const settings: RegistrySettings = { ...defaultRegistrySettings, certificateFolders: [], timing };
const bytes = crypto.getRandomValues(new Uint8Array(65536)).toHex();
const big = Buffer.from(bytes.repeat(3));
const small = Buffer.from("small");
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bocker-upload-"));
  writeFileSync(join(folder, "big"), big);
  writeFileSync(join(folder, "small"), small);
  writeFileSync(join(folder, "empty"), "");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sources = {
  big: () => ({ digest: digestOf(big), size: big.byteLength, path: join(folder, "big") }),
  small: () => ({ digest: digestOf(small), size: small.byteLength, path: join(folder, "small") }),
  empty: () => ({ digest: digestOf(""), size: 0, path: join(folder, "empty") }),
};

function open(registry: { readonly host: string }, credential?: Credential, changes = {}) {
  const reference = parseReference(`${registry.host}/app`);
  const own = { ...settings, timing: { ...timing, ...changes } };
  const client = createRegistryClient(reference.registry, own, () => credential);
  const upload = (what: keyof typeof sources, options: UploadOptions = {}) =>
    uploadBlob(client, reference, sources[what](), options);
  return { client, reference, upload };
}

/** What was asked, the probe of the scheme left out. */
function asked(registry: UploadRegistry): string[] {
  return registry.seen
    .filter((line) => line !== "GET /v2/")
    .map((line) => line.replace(/sha256:\w+/, "DIGEST"));
}

const head = "HEAD /v2/app/blobs/DIGEST";
const post = "POST /v2/app/blobs/uploads/";
const patch = "PATCH /v2/app/blobs/uploads/ID";
const put = "PUT /v2/app/blobs/uploads/ID";
const status = "GET /v2/app/blobs/uploads/ID";

describe("the way of a blob", () => {
  test("small ones in one body, empty ones too, large ones as a stream", async () => {
    await using registry = startUploadRegistry();
    const { upload } = open(registry);
    expect(await upload("small")).toBe("uploaded");
    expect(await upload("empty")).toBe("uploaded");
    expect(asked(registry)).toEqual([head, post, put, head, post, put]);
    registry.seen.length = 0;
    const progress: number[] = [];
    expect(await upload("big", { onProgress: (done) => progress.push(done) })).toBe("uploaded");
    expect(asked(registry)).toEqual([head, post, patch, put]);
    expect(progress.at(-1)).toBe(big.byteLength);
    for (const { digest } of [sources.big(), sources.small(), sources.empty()]) {
      expect(digestOf(registry.blobs.get(digest) ?? "missing")).toBe(digest);
    }
    registry.seen.length = 0;
    expect(await upload("big")).toBe("exists");
    expect(asked(registry)).toEqual([head]);
  });

  test("a neighbour's blob is mounted; where that is refused, it is sent", async () => {
    await using registry = startUploadRegistry();
    const { upload } = open(registry);
    const mountFrom = "other/place" as Repository;
    let asked: URLSearchParams | undefined;
    registry.intercept = ({ method, query }) => {
      if (method !== "POST") return undefined;
      asked = query;
      return new Response(null, { status: 201 });
    };
    expect(await upload("big", { mountFrom })).toBe("mounted");
    expect(Object.fromEntries(asked ?? [])).toEqual({ mount: digestOf(big), from: "other/place" });
    registry.intercept = () => undefined;
    expect(await upload("big", { mountFrom })).toBe("uploaded");
    expect(registry.blobs.has(digestOf(big))).toBe(true);
  });

  test("a manifest under its tag, with its type", async () => {
    await using registry = startUploadRegistry();
    const { client, reference } = open(registry);
    const document = new Uint8Array(Buffer.from('{"schemaVersion":2}'));
    const manifest = { mediaType: "application/x", digest: digestOf(document), bytes: document };
    let type: string | null = null;
    registry.intercept = ({ headers }) => {
      type = headers.get("content-type");
      return undefined;
    };
    await uploadManifest(client, reference, "1", manifest);
    expect({ type, sent: registry.manifests.get("app:1") }).toEqual({
      type: "application/x",
      sent: Buffer.from(document),
    } as never);
    registry.intercept = () =>
      new Response(null, { status: 201, headers: { "docker-content-digest": digestOf("x") } });
    await expect(uploadManifest(client, reference, "1", manifest)).rejects.toThrow("digest mismatch");
  });
});

describe("what breaks is gone on with", () => {
  test("after a loss the rest is sent from where the registry is", async () => {
    await using registry = startUploadRegistry();
    registry.losses.push(100_000, 50_000, 0);
    const ranges: (string | null)[] = [];
    registry.intercept = ({ method, headers }) => {
      if (method === "PATCH") ranges.push(headers.get("content-range"));
      return undefined;
    };
    expect(await open(registry).upload("big")).toBe("uploaded");
    const last = big.byteLength - 1;
    expect(ranges).toEqual([null, `100000-${last}`, `150000-${last}`, `150000-${last}`]);
    expect(digestOf(registry.blobs.get(digestOf(big)) ?? "")).toBe(digestOf(big));
    expect(asked(registry).slice(2, 6)).toEqual([patch, head, status, patch]);
  });

  test("an upload that the registry has forgotten is begun again", async () => {
    await using registry = startUploadRegistry();
    registry.intercept = ({ method, path, earlier }) =>
      method === "PATCH" && earlier === 0
        ? registryProblem(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        : method === "GET" && path !== "/v2/"
          ? new Response(null, { status: 404 })
          : undefined;
    expect(await open(registry).upload("big")).toBe("uploaded");
    expect(asked(registry)).toEqual([head, post, patch, head, status, post, patch, put]);
  });

  test("an answer that got lost is no second upload", async () => {
    await using registry = startUploadRegistry();
    registry.intercept = ({ method, body, earlier }) => {
      if (method !== "PUT" || earlier > 0) return undefined;
      registry.blobs.set(digestOf(body), body);
      return new Response(null, { status: 502 });
    };
    expect(await open(registry).upload("small")).toBe("uploaded");
    expect(asked(registry)).toEqual([head, post, put, head]);
  });

  test("Retry-After is obeyed, and one that is too long is an error at once", async () => {
    await using registry = startUploadRegistry();
    const busy = (seconds: string) =>
      new Response(null, { status: 503, headers: { "retry-after": seconds } });
    registry.intercept = ({ method, earlier }) =>
      method === "PATCH" && earlier === 0 ? busy("1") : undefined;
    const begin = performance.now();
    expect(await open(registry).upload("big")).toBe("uploaded");
    expect(performance.now() - begin).toBeGreaterThan(950);
    registry.blobs.clear();
    registry.intercept = ({ method }) => (method === "PATCH" ? busy("86400") : undefined);
    await expect(open(registry).upload("big")).rejects.toThrow("503 Service Unavailable");
  });

  test("a registry that fails for ever is given up after so many tries", async () => {
    await using registry = startUploadRegistry();
    registry.intercept = ({ method }) =>
      method === "PATCH" ? new Response("<html>", { status: 500 }) : undefined;
    await expect(open(registry).upload("big")).rejects.toThrow(
      `cannot push to "${registry.host}/app": received unexpected HTTP status: 500 Internal Server Error`,
    );
    expect(asked(registry).filter((line) => line === patch)).toHaveLength(3);
  });

  test("one that never answers, too; ten times the usual patience is for storing", async () => {
    await using registry = startUploadRegistry();
    registry.intercept = ({ method }) =>
      method === "PATCH" ? new Promise<Response>(() => undefined) : undefined;
    const begin = performance.now();
    const patient = { headersMs: 50, attempts: 1 };
    await expect(open(registry, undefined, patient).upload("big")).rejects.toThrow("no answer within 0.5 s");
    expect(performance.now() - begin).toBeGreaterThan(450);
  });

  test("an early refusal ends the upload at once", async () => {
    await using registry = startUploadRegistry();
    registry.intercept = ({ method }) =>
      method === "PATCH" ? registryProblem(403, "DENIED", "quota exceeded") : undefined;
    await expect(open(registry).upload("big")).rejects.toThrow(/^denied: quota exceeded$/);
    expect(asked(registry)).toEqual([head, post, patch]);
  });

  test("one that keeps a few bytes each time and never enough is given up, too", async () => {
    await using registry = startUploadRegistry();
    for (let count = 0; count < 200; count++) registry.losses.push(1);
    await expect(open(registry).upload("big")).rejects.toThrow("500 Internal Server Error");
    expect(asked(registry).filter((line) => line === patch).length).toBeLessThanOrEqual(100);
  }, 60_000);
});

describe("lies", () => {
  const lies: readonly (readonly [string, (method: string) => Response | undefined, string | RegExp])[] = [
    [
      "no Location",
      (method) => (method === "POST" ? new Response(null, { status: 202 }) : undefined),
      "gives no address",
    ],
    ["a Location that is no URL", locationIs("http://["), "redirects to something that is no URL"],
    ["a Location of another kind", locationIs("ftp://elsewhere/x"), "redirects to a ftp: URL"],
    [
      "more bytes than were sent",
      (method) =>
        method === "PATCH"
          ? new Response(null, { status: 202, headers: { range: "0-99999999" } })
          : undefined,
      `says it has 100000000 bytes after ${big.byteLength} were sent`,
    ],
    [
      "no progress",
      (method) =>
        method === "PATCH" ? new Response(null, { status: 202, headers: { range: "0-0" } }) : undefined,
      "says it has 0 bytes",
    ],
    [
      "a range that is none",
      (method) =>
        method === "PATCH" ? new Response(null, { status: 202, headers: { range: "all" } }) : undefined,
      'sends the range "all"',
    ],
    [
      "another digest",
      (method) =>
        method === "PUT"
          ? new Response(null, { status: 201, headers: { "docker-content-digest": digestOf("x") } })
          : undefined,
      "digest mismatch",
    ],
    [
      "redirects in a circle",
      (method) =>
        method === "POST"
          ? new Response(null, { status: 307, headers: { location: "/v2/again" } })
          : undefined,
      "redirects more than 10 times",
    ],
    [
      "a redirect that loses the body",
      (method) =>
        method === "PATCH"
          ? new Response(null, { status: 302, headers: { location: "/v2/again" } })
          : undefined,
      "302 Found",
    ],
    [
      "a page of a proxy",
      (method) => (method === "POST" ? new Response("<html>", { status: 200 }) : undefined),
      "received unexpected HTTP status: 200 OK",
    ],
    [
      "a body it can't have",
      (method) => (method === "PATCH" ? new Response(null, { status: 413 }) : undefined),
      "413",
    ],
  ];
  for (const [name, lie, message] of lies) {
    test(name, async () => {
      await using registry = startUploadRegistry();
      registry.intercept = ({ method }) => lie(method);
      await expect(open(registry).upload("big")).rejects.toThrow(message);
      expect(registry.blobs.size).toBe(0);
    });
  }

  test("a digest that the registry finds wrong is its word, and not tried again", async () => {
    await using registry = startUploadRegistry();
    registry.intercept = ({ method }) =>
      method === "PUT"
        ? registryProblem(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        : undefined;
    await expect(open(registry).upload("big")).rejects.toThrow(
      "digest invalid: provided digest did not match uploaded content",
    );
    expect(asked(registry)).toEqual([head, post, patch, put]);
  });

  test("a redirect with a body sends it again, in whole", async () => {
    await using registry = startUploadRegistry();
    registry.intercept = ({ method, path, earlier }) =>
      method === "PATCH" && earlier === 0
        ? new Response(null, { status: 307, headers: { location: path } })
        : undefined;
    expect(await open(registry).upload("big")).toBe("uploaded");
  });

  test("an upload address on another host gets the bytes and no password", async () => {
    await using registry = startUploadRegistry();
    await using elsewhere = startUploadRegistry();
    const proofs: (string | null)[] = [];
    const ann: Credential = { kind: "password", username: "ann", password: "secret" };
    elsewhere.intercept = ({ headers, method }) => {
      proofs.push(headers.get("authorization"));
      const location = `http://${elsewhere.host}/take/it`;
      return method === "PATCH"
        ? new Response(null, { status: 202, headers: { location } })
        : new Response(null, { status: 201 });
    };
    registry.intercept = ({ method, headers, path }) => {
      if (path === "/v2/") return undefined;
      if (headers.get("authorization") === null) {
        return new Response(null, { status: 401, headers: { "www-authenticate": "Basic realm=x" } });
      }
      const location = `http://${elsewhere.host}/take/it`;
      return method === "POST" ? new Response(null, { status: 202, headers: { location } }) : undefined;
    };
    expect(await open(registry, ann).upload("big")).toBe("uploaded");
    expect(proofs).toEqual([null, null]);
  });
});

describe("nobody there", () => {
  test("a push says so, without the advice for those who want an image", async () => {
    const failure = await open({ host: "127.0.0.1:1" })
      .upload("small")
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: 'cannot reach registry "127.0.0.1:1": connection refused' });
    expect((failure as { hint?: string }).hint).toBeUndefined();
  });
});

describe("refusals", () => {
  const denied: readonly (readonly [string, () => Response, string])[] = [
    [
      "docker's denial",
      () => registryProblem(403, "DENIED", "requested access to the resource is denied"),
      "denied: requested access to the resource is denied",
    ],
    [
      "a bare 403",
      () => new Response(null, { status: 403 }),
      "denied: requested access to the resource is denied",
    ],
    ["a bare 401", () => new Response(null, { status: 401 }), "unauthorized: authentication required"],
    [
      "Basic, and nobody is logged in",
      () => new Response(null, { status: 401, headers: { "www-authenticate": "Basic realm=x" } }),
      "no basic auth credentials",
    ],
  ];
  for (const [name, refusal, message] of denied) {
    test(name, async () => {
      await using registry = startUploadRegistry();
      registry.intercept = ({ method }) => (method === "POST" ? refusal() : undefined);
      await expect(open(registry).upload("big")).rejects.toThrow(new RegExp(`^${message}$`));
    });
  }

  test("a token is asked for both repositories of a mount", async () => {
    await using registry = startUploadRegistry();
    const scopes: string[][] = [];
    registry.intercept = ({ path, query, headers, method }) => {
      if (path === "/token") {
        scopes.push(query.getAll("scope"));
        return Response.json({ token: `T${scopes.length}` });
      }
      if (path === "/v2/") return undefined;
      if (headers.get("authorization")?.startsWith("Bearer") !== true) {
        const challenge = `Bearer realm="http://${registry.host}/token",service="s"`;
        return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
      }
      return method === "POST" ? new Response(null, { status: 201 }) : undefined;
    };
    expect(await open(registry).upload("big", { mountFrom: "other" as Repository })).toBe("mounted");
    expect(scopes).toEqual([
      ["repository:app:pull,push"],
      ["repository:app:pull,push", "repository:other:pull"],
    ]);
  });
});

function locationIs(location: string): (method: string) => Response | undefined {
  return (method) =>
    method === "POST" ? new Response(null, { status: 202, headers: { location } }) : undefined;
}

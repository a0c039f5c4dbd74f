/**
 * A registry in memory that takes uploads, and lies where a test asks it to.
 *
 *     await using registry = startUploadRegistry();
 *     registry.intercept = ({ method }) => (method === "PATCH" ? new Response(null, { status: 503 }) : undefined);
 */
import { digestOf } from "../../src/image/digest.ts";

export interface UploadRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  /** Requests of this method before this one. */
  readonly earlier: number;
  readonly body: Uint8Array;
}

export interface UploadRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** By digest, whatever the repository. */
  readonly blobs: Map<string, Uint8Array>;
  /** By `repository:tag`. */
  readonly manifests: Map<string, Uint8Array>;
  /** `POST /v2/app/blobs/uploads/`, in order; upload ids are `ID`. */
  readonly seen: string[];
  /** Answers in place of the registry, after the body has come; undefined lets it answer. */
  intercept: (request: UploadRequest) => Response | undefined | Promise<Response>;
  /** Bytes of the next PATCH bodies that are kept, one entry a PATCH; the answer is then a 500. */
  readonly losses: number[];
}

/** Starts one on a free loopback port, in this process. */
export function startUploadRegistry(): UploadRegistry {
  const uploads = new Map<string, Uint8Array>();
  const counts = new Map<string, number>();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(incoming) {
      const url = new URL(incoming.url);
      const { method, headers } = incoming;
      const earlier = counts.get(method) ?? 0;
      counts.set(method, earlier + 1);
      registry.seen.push(`${method} ${url.pathname.replace(/uploads\/[0-9a-f-]{36}/, "uploads/ID")}`);
      const body = await incoming.bytes();
      const request = { method, path: url.pathname, query: url.searchParams, headers, earlier, body };
      return (await registry.intercept(request)) ?? answer(registry, uploads, request);
    },
  });
  const registry: UploadRegistry = {
    host: `127.0.0.1:${server.port}`,
    blobs: new Map(),
    manifests: new Map(),
    seen: [],
    intercept: () => undefined,
    losses: [],
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
  return registry;
}

function answer(
  registry: UploadRegistry,
  uploads: Map<string, Uint8Array>,
  request: UploadRequest,
): Response {
  const { method, path, body } = request;
  if (path === "/v2/") return Response.json({});
  const [, repository, tag] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(path) ?? [];
  if (repository !== undefined && method === "PUT") {
    registry.manifests.set(`${repository}:${tag}`, body);
    return new Response(null, { status: 201, headers: { "docker-content-digest": digestOf(body) } });
  }
  const [, digest = ""] = /\/blobs\/(sha256:[0-9a-f]+)$/.exec(path) ?? [];
  if (digest !== "") return new Response(null, { status: registry.blobs.has(digest) ? 200 : 404 });
  if (method === "POST") {
    const id = crypto.randomUUID();
    uploads.set(id, new Uint8Array());
    return progress(`${path}${id}`, 0, 202);
  }
  return continueUpload(registry, uploads, request);
}

function continueUpload(
  registry: UploadRegistry,
  uploads: Map<string, Uint8Array>,
  { method, path, query, body }: UploadRequest,
): Response {
  const id = path.slice(path.lastIndexOf("/") + 1);
  const before = uploads.get(id);
  if (before === undefined) return new Response(null, { status: 404 });
  if (method === "GET") return progress(path, before.byteLength, 204);
  const loss = method === "PATCH" ? registry.losses.shift() : undefined;
  const after = Buffer.concat([before, loss === undefined ? body : body.subarray(0, loss)]);
  uploads.set(id, after);
  if (loss !== undefined) return new Response(null, { status: 500 });
  if (method === "PATCH") return progress(path, after.byteLength, 202);
  if (query.get("digest") !== digestOf(after)) return Response.json(digestInvalid, { status: 400 });
  registry.blobs.set(digestOf(after), after);
  uploads.delete(id);
  return new Response(null, { status: 201, headers: { "docker-content-digest": digestOf(after) } });
}

const digestInvalid = {
  errors: [{ code: "DIGEST_INVALID", message: "provided digest did not match uploaded content" }],
};

function progress(location: string, bytes: number, status: number): Response {
  return new Response(null, { status, headers: { location, range: `0-${Math.max(0, bytes - 1)}` } });
}

/**
 * A registry that does what a test tells it to: serves images from memory, and lies where asked.
 *
 *     await using registry = startLyingRegistry();
 *     registry.add("app:1", image);
 *     registry.intercept = (request, url) => url.pathname.includes("/blobs/") ? new Response("<html>") : undefined;
 */
import type { TestBlob, TestImage } from "./oci-image.ts";

export interface LyingRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Answers in place of the registry; undefined lets it answer. */
  intercept: (request: Request, url: URL) => Response | undefined | Promise<Response | undefined>;
  /** Method, path, and what proof was shown, in order. */
  readonly seen: SeenRequest[];
  add(name: string, image: TestImage, index?: TestBlob): void;
  addBlob(repository: string, blob: TestBlob): void;
  addManifest(repository: string, name: string, blob: TestBlob): void;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly range: string | null;
}

/** Starts one on a free loopback port, in this process. */
export function startLyingRegistry(): LyingRegistry {
  const content = new Map<string, TestBlob>();
  const seen: SeenRequest[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const url = new URL(request.url);
      const { headers, method } = request;
      const authorization = headers.get("authorization");
      seen.push({ method, path: url.pathname, authorization, range: headers.get("range") });
      return (await registry.intercept(request, url)) ?? answer(content, request, url);
    },
  });
  const registry: LyingRegistry = {
    host: `127.0.0.1:${server.port}`,
    intercept: () => undefined,
    seen,
    add(name, image, index) {
      const [repository = "", tag = "latest"] = name.split(":");
      for (const blob of [image.config, ...image.layers]) registry.addBlob(repository, blob);
      registry.addManifest(repository, image.manifest.descriptor.digest, image.manifest);
      if (index !== undefined) registry.addManifest(repository, index.descriptor.digest, index);
      registry.addManifest(repository, tag, index ?? image.manifest);
    },
    addBlob: (repository, blob) =>
      void content.set(`/v2/${repository}/blobs/${blob.descriptor.digest}`, blob),
    addManifest: (repository, name, blob) => void content.set(`/v2/${repository}/manifests/${name}`, blob),
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
  return registry;
}

/** The distribution API's error body. */
export function registryProblem(status: number, code: string, message: string, headers = {}): Response {
  return Response.json({ errors: [{ code, message, detail: {} }] }, { status, headers });
}

export interface CuttingRegistry extends Disposable {
  readonly host: string;
  /** The Range header of each request for a blob. */
  readonly ranges: (string | null)[];
}

/** A registry that has one blob under every name and hangs up after each `cutBytes` of it, in the middle of a body. */
export function startCuttingRegistry(blob: Uint8Array, cutBytes: number): CuttingRegistry {
  const ranges: (string | null)[] = [];
  const server = Bun.listen({
    port: 0,
    hostname: "127.0.0.1",
    socket: {
      data(socket, bytes) {
        const request = bytes.toString("latin1");
        if (!request.startsWith("GET ")) return void socket.end();
        if (!request.includes("/blobs/"))
          return void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        const range = /\r\nrange: *(\S+)/i.exec(request)?.[1] ?? null;
        ranges.push(range);
        socket.write(cutAnswer(blob, range, cutBytes));
        socket.flush();
        // At once, the client would hear of the end before it has read what came.
        setTimeout(() => socket.end(), 20);
      },
    },
  });
  return { host: `127.0.0.1:${server.port}`, ranges, [Symbol.dispose]: () => server.stop(true) };
}

function cutAnswer(blob: Uint8Array, range: string | null, cutBytes: number): Uint8Array {
  const from = Number(/=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
  const head = [
    from > 0 ? "HTTP/1.1 206 Partial Content" : "HTTP/1.1 200 OK",
    `Content-Length: ${blob.byteLength - from}`,
    ...(from > 0 ? [`Content-Range: bytes ${from}-${blob.byteLength - 1}/${blob.byteLength}`] : []),
    "\r\n",
  ];
  return Buffer.concat([Buffer.from(head.join("\r\n")), blob.subarray(from, from + cutBytes)]);
}

function answer(content: Map<string, TestBlob>, request: Request, url: URL): Response {
  if (url.pathname === "/v2/") return Response.json({});
  const blob = content.get(url.pathname);
  if (blob === undefined) {
    const what = url.pathname.includes("/blobs/") ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
    return registryProblem(404, what, what.toLowerCase().replace("_", " "));
  }
  const { mediaType, digest, size } = blob.descriptor;
  const headers = { "content-type": mediaType, "docker-content-digest": digest };
  const [, from] = /^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "") ?? [];
  if (from === undefined) return new Response(blob.bytes, { headers });
  const range = { "content-range": `bytes ${from}-${size - 1}/${size}` };
  return new Response(blob.bytes.slice(Number(from)), { status: 206, headers: { ...headers, ...range } });
}

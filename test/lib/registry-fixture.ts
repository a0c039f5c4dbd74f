/**
 * A real registry for one test: Debian's docker-registry on a loopback port with a directory of its own.
 *
 *     await using registry = await startRegistry({ user: { name: "ann", password: "secret" } });
 *     await registry.push("app:1", makeImage([[{ name: "hello", content: "hi" }]]));
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestBlob, TestImage } from "./oci-image.ts";

export interface RegistryOptions {
  /** Basic authentication, checked against an htpasswd file. */
  readonly user?: { readonly name: string; readonly password: string };
  /** https with a certificate for localhost and 127.0.0.1, signed by an authority of the fixture's own. */
  readonly tls?: boolean;
}

export interface RegistryFixture extends AsyncDisposable {
  /** `localhost:PORT`. */
  readonly host: string;
  /** For files of the test; removed at the end. */
  readonly directory: string;
  /** PEM of the authority, with `tls`. */
  readonly authority: string;
  /** Uploads an image, and an index over it where one is given, under `name:tag`. */
  push(name: string, image: TestImage, index?: TestBlob): Promise<void>;
  /** Paths asked for so far, from the registry's own log: `GET /v2/app/blobs/sha256:…`. */
  requests(): string[];
}

/** Starts a registry and waits until it answers. */
export async function startRegistry(options: RegistryOptions = {}): Promise<RegistryFixture> {
  const directory = mkdtempSync(join(tmpdir(), "bocker-registry-"));
  const port = freePort();
  writeConfig(directory, port, options);
  const log = join(directory, "log");
  const server = Bun.spawn(["docker-registry", "serve", join(directory, "config.yml")], {
    stdout: Bun.file(log),
    stderr: "ignore",
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: "none" },
  });
  const request = requester(port, directory, options);
  await waitUntilUp(request, server);
  return {
    host: `localhost:${port}`,
    directory,
    authority: join(directory, "ca.pem"),
    push: (name, image, index) => push(request, name, image, index),
    requests: () => readRequests(log),
    async [Symbol.asyncDispose]() {
      server.kill();
      await server.exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

type Requester = (path: string, init?: RequestInit) => Promise<Response>;

function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

function writeConfig(directory: string, port: number, options: RegistryOptions): void {
  mkdirSync(join(directory, "data"));
  const lines = [
    "version: 0.1",
    "log: { level: info, accesslog: { disabled: false } }",
    "storage:",
    `  filesystem: { rootdirectory: ${directory}/data }`,
    "  delete: { enabled: true }",
    "http:",
    `  addr: 127.0.0.1:${port}`,
  ];
  if (options.tls === true) {
    makeCertificates(directory);
    lines.push(`  tls: { certificate: ${directory}/cert.pem, key: ${directory}/key.pem }`);
  }
  if (options.user !== undefined) {
    const { name, password } = options.user;
    // The cheapest cost: hashing at each request is not what is tested.
    const entry = Bun.spawnSync(["htpasswd", "-nbB", "-C", "4", name, password]).stdout;
    writeFileSync(join(directory, "htpasswd"), entry);
    lines.push(`auth: { htpasswd: { realm: test, path: ${directory}/htpasswd } }`);
  }
  writeFileSync(join(directory, "config.yml"), `${lines.join("\n")}\n`);
}

function makeCertificates(directory: string): void {
  const openssl = (...args: string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args], { cwd: directory, stderr: "pipe" });
    if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "2",
    "-subj",
    "/CN=Test CA",
  );
  openssl("req", ...key, "-keyout", "key.pem", "-out", "cert.csr", "-subj", "/CN=localhost");
  writeFileSync(join(directory, "san"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  openssl(
    ...["x509", "-req", "-in", "cert.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
    ...["-out", "cert.pem", "-days", "2", "-extfile", "san"],
  );
}

function requester(port: number, directory: string, options: RegistryOptions): Requester {
  const { tls = false, user } = options;
  const base = `${tls ? "https" : "http"}://localhost:${port}`;
  const authorization =
    user === undefined ? {} : { authorization: `Basic ${btoa(`${user.name}:${user.password}`)}` };
  return (path, init = {}) =>
    fetch(new URL(path, base).href, {
      ...init,
      headers: { ...authorization, ...(init.headers as Record<string, string>) },
      proxy: false,
      ...(tls ? { tls: { ca: readFileSync(join(directory, "ca.pem"), "utf8") } } : {}),
    });
}

async function waitUntilUp(request: Requester, server: Bun.Subprocess): Promise<void> {
  for (let attempt = 0; attempt < 1600; attempt++) {
    const up = await request("/v2/").then(
      (response) => response.ok,
      () => false,
    );
    if (up) return;
    if (server.exitCode !== null) break;
    await Bun.sleep(25);
  }
  server.kill();
  throw new Error("docker-registry did not come up");
}

async function push(request: Requester, name: string, image: TestImage, index?: TestBlob): Promise<void> {
  const [repository = "", tag = "latest"] = name.split(":");
  for (const blob of [image.config, ...image.layers]) await pushBlob(request, repository, blob);
  await pushManifest(
    request,
    repository,
    index === undefined ? tag : image.manifest.descriptor.digest,
    image.manifest,
  );
  if (index !== undefined) await pushManifest(request, repository, tag, index);
}

async function pushBlob(request: Requester, repository: string, blob: TestBlob): Promise<void> {
  const begun = await request(`/v2/${repository}/blobs/uploads/`, { method: "POST" });
  const location = new URL(begun.headers.get("location") ?? "", "http://unused");
  location.searchParams.set("digest", blob.descriptor.digest);
  const headers = { "content-type": "application/octet-stream" };
  const path = location.pathname + location.search;
  await mustBeCreated(await request(path, { method: "PUT", body: blob.bytes, headers }));
}

async function pushManifest(
  request: Requester,
  repository: string,
  name: string,
  blob: TestBlob,
): Promise<void> {
  const headers = { "content-type": blob.descriptor.mediaType };
  const path = `/v2/${repository}/manifests/${name}`;
  await mustBeCreated(await request(path, { method: "PUT", body: blob.bytes, headers }));
}

async function mustBeCreated(response: Response): Promise<void> {
  if (response.status !== 201) throw new Error(`registry: ${response.status} ${await response.text()}`);
}

/** Lines of the access log, Apache's format. */
function readRequests(log: string): string[] {
  const text = readFileSync(log, "utf8");
  return [...text.matchAll(/"((?:GET|HEAD) \/v2\/\S*) HTTP/g)].map((match) => match[1] ?? "");
}

/** Proof of identity: Basic and Bearer, from config.json and helpers, shown to nobody else. */

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseReference, withDefaultTag } from "../../src/image/reference.ts";
import { fetchSmallBlob } from "../../src/registry/blobs.ts";
import { type Credential, loadCredential } from "../../src/registry/credential.ts";
import { resolveManifest } from "../../src/registry/manifests.ts";
import { createRegistryClient } from "../../src/registry/registry-client.ts";
import {
  defaultRegistrySettings,
  defaultTiming,
  type RegistrySettings,
} from "../../src/registry/registry-settings.ts";
import { type LyingRegistry, registryProblem, startLyingRegistry } from "../lib/lying-registry.ts";
import { makeImage } from "../lib/oci-image.ts";
import { startRegistry } from "../lib/registry-fixture.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const settings: RegistrySettings = {
  ...defaultRegistrySettings,
  certificateFolders: [],
  timing: { ...defaultTiming, attempts: 2, backoffMs: 5 },
};
const image = makeImage([[{ name: "hello", content: "hi" }]]);
const ann: Credential = { kind: "password", username: "ann", password: "secret" };

function open(host: string, credential?: Credential, changes: Partial<RegistrySettings> = {}) {
  const reference = withDefaultTag(parseReference(`${host}/app:1`));
  const client = createRegistryClient(reference.registry, { ...settings, ...changes }, () => credential);
  return { client, reference, resolve: () => resolveManifest(client, reference, amd64) };
}

describe("Debian's registry", () => {
  test("with htpasswd: the right password, the wrong one, none", async () => {
    await using registry = await startRegistry({ user: { name: "ann", password: "secret" } });
    await registry.push("app:1", image);
    const { host } = registry;
    expect((await open(host, ann).resolve()).digest).toBe(image.manifest.descriptor.digest);
    const denied = `pull access denied for ${host}/app, repository does not exist or may require 'docker login': `;
    await expect(open(host).resolve()).rejects.toThrow(`${denied}no basic auth credentials`);
    await expect(open(host, { ...ann, password: "x" }).resolve()).rejects.toThrow(
      `${denied}unauthorized: authentication required`,
    );
  });

  test("with TLS: by its authority, in certs.d or settings; loopback needs none", async () => {
    await using registry = await startRegistry({ tls: true });
    await registry.push("app:1", image);
    const { host, authority, directory } = registry;
    const folder = join(directory, "certs.d", host);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "ca.crt"), await Bun.file(authority).text());
    await open(host, undefined, { certificateFolders: [join(directory, "certs.d")] }).resolve();
    await open(host, undefined, { authorities: { [host]: [authority] } }).resolve();
    await open(host).resolve();
  });

  test("a certificate file that can't be read is an error, not a weaker connection", async () => {
    const opened = open("localhost:1", undefined, { authorities: { "localhost:1": ["/nonexistent.pem"] } });
    await expect(opened.resolve()).rejects.toThrow('cannot read certificate "/nonexistent.pem"');
  });
});

/** Guards the registry's content with tokens of the form T1, T2 … that are good for `uses` requests. */
function guardWithTokens(registry: LyingRegistry, uses = Number.POSITIVE_INFINITY) {
  const grants = { count: 0, left: 0, queries: [] as URLSearchParams[], proofs: [] as (string | null)[] };
  registry.intercept = async (request, url) => {
    if (url.pathname === "/token") {
      grants.count++;
      grants.left = uses;
      grants.proofs.push(request.headers.get("authorization"));
      grants.queries.push(
        request.method === "POST" ? new URLSearchParams(await request.text()) : url.searchParams,
      );
      return Response.json({ token: `T${grants.count}`, expires_in: 300 });
    }
    const good = request.headers.get("authorization") === `Bearer T${grants.count}` && grants.left-- > 0;
    if (good || url.pathname === "/v2/") return undefined;
    const realm = `http://${registry.host}/token`;
    const challenge = `Bearer realm="${realm}",service="test",scope="repository:app:pull"`;
    return registryProblem(401, "UNAUTHORIZED", "authentication required", { "www-authenticate": challenge });
  };
  return grants;
}

describe("tokens", () => {
  test("are asked for once, and shared", async () => {
    await using registry = startLyingRegistry();
    registry.add("app:1", image);
    const grants = guardWithTokens(registry);
    const { client, reference, resolve } = open(registry.host);
    await resolve();
    const { descriptor } = image.config;
    await Promise.all([1, 2, 3].map(() => fetchSmallBlob(client, reference, descriptor, 1e6)));
    expect(grants.count).toBe(1);
    expect(grants.proofs).toEqual([null]);
    expect(Object.fromEntries(grants.queries[0] ?? [])).toEqual({
      service: "test",
      scope: "repository:app:pull",
    });
  });

  test("are asked for with the password, or with the refresh token", async () => {
    await using registry = startLyingRegistry();
    registry.add("app:1", image);
    const grants = guardWithTokens(registry);
    await open(registry.host, ann).resolve();
    expect(grants.proofs).toEqual([`Basic ${btoa("ann:secret")}`]);
    expect(grants.queries[0]?.get("account")).toBe("ann");
    await open(registry.host, { kind: "identity", token: "R" }).resolve();
    expect(grants.proofs[1]).toBeNull();
    expect(Object.fromEntries(grants.queries[1] ?? [])).toMatchObject({
      grant_type: "refresh_token",
      refresh_token: "R",
      scope: "repository:app:pull",
    });
  });

  test("that end early are renewed; that never help are not asked for without end", async () => {
    await using registry = startLyingRegistry();
    registry.add("app:1", image);
    const grants = guardWithTokens(registry, 1);
    const { client, reference, resolve } = open(registry.host);
    await resolve();
    await fetchSmallBlob(client, reference, image.config.descriptor, 1e6);
    expect(grants.count).toBe(2);
    const useless = guardWithTokens(registry, 0);
    await expect(open(registry.host).resolve()).rejects.toThrow("unauthorized: authentication required");
    expect(useless.count).toBeLessThanOrEqual(3);
  });

  test("a registry token goes as it is", async () => {
    await using registry = startLyingRegistry();
    registry.add("app:1", image);
    guardWithTokens(registry);
    await expect(open(registry.host, { kind: "registry", token: "mine" }).resolve()).rejects.toThrow(
      "denied",
    );
    expect(registry.seen.at(-1)?.authorization).toBe("Bearer mine");
  });

  test.each([
    [
      "refuses",
      () => Response.json({ details: "incorrect username or password" }, { status: 401 }),
      "unauthorized: incorrect username or password",
    ],
    ["fails", () => new Response("<html>", { status: 404 }), "cannot get a token from"],
    ["gives none", () => Response.json({}), "no token"],
    ["gives a header of its own", () => Response.json({ token: "a\r\nx: y" }), "no token"],
    ["talks nonsense", () => new Response("<html>"), "not valid JSON"],
  ])("a token server that %s", async (_, answer, message) => {
    await using registry = startLyingRegistry();
    guardWithTokens(registry);
    const { intercept } = registry;
    registry.intercept = (request, url) => (url.pathname === "/token" ? answer() : intercept(request, url));
    await expect(open(registry.host).resolve()).rejects.toThrow(message);
  });

  test.each(["ftp://x/token", "http://"])("a token server at %s", async (realm) => {
    await using registry = startLyingRegistry();
    const headers = { "www-authenticate": `Bearer realm="${realm}"` };
    registry.intercept = (_, url) =>
      url.pathname === "/v2/" ? undefined : new Response(null, { status: 401, headers });
    await expect(open(registry.host).resolve()).rejects.toThrow(`names the token server "${realm}"`);
  });
});

test("a redirect takes no proof along, not even on the way back", async () => {
  await using registry = startLyingRegistry();
  await using cdn = startLyingRegistry();
  registry.add("app:1", image);
  const grants = guardWithTokens(registry);
  const guarded = registry.intercept;
  const blob = `/v2/app/blobs/${image.config.descriptor.digest}`;
  registry.intercept = async (request, url) => {
    const refusal = await guarded(request, url);
    if (refusal !== undefined || url.pathname !== blob) return refusal;
    return Response.redirect(`http://${cdn.host}/far`, 307);
  };
  cdn.intercept = (_, url) =>
    url.pathname === "/far" ? Response.redirect(`http://${registry.host}/back`, 302) : undefined;
  const { client, reference, resolve } = open(registry.host, ann);
  await resolve();
  await expect(fetchSmallBlob(client, reference, image.config.descriptor, 1e6)).rejects.toThrow();
  expect(grants.count).toBe(1);
  expect(cdn.seen.map((item) => item.authorization)).toEqual([null]);
  expect(registry.seen.filter((item) => item.path === "/back").map((item) => item.authorization)).toEqual([
    null,
  ]);
});

describe("credential helpers", () => {
  test("are asked by protocol, before auths; 'not found' is no error, a failure is one", () => {
    const folder = mkdtempSync(join(tmpdir(), "bocker-helper-"));
    const path = process.env.PATH;
    try {
      const helper = join(folder, "docker-credential-bockertest");
      writeFileSync(
        helper,
        `#!/bin/sh
read -r server
case "$1 $server" in
  "get good.example") echo '{"ServerURL":"x","Username":"ann","Secret":"pw"}' ;;
  "get token.example") echo '{"Username":"<token>","Secret":"R"}' ;;
  "get broken.example") echo 'the keychain is locked'; exit 1 ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
`,
      );
      chmodSync(helper, 0o755);
      process.env.PATH = `${folder}:${path}`;
      const auth = Buffer.from("bob:file").toString("base64");
      const auths = { "good.example": { auth }, "other.example": { auth } };
      writeFileSync(join(folder, "config.json"), JSON.stringify({ auths, credsStore: "bockertest" }));
      const find = (name: string) => loadCredential(parseReference(`${name}/x`).registry, folder);
      expect(find("good.example")).toEqual({ kind: "password", username: "ann", password: "pw" });
      expect(find("token.example")).toEqual({ kind: "identity", token: "R" });
      expect(find("other.example")).toEqual({ kind: "password", username: "bob", password: "file" });
      expect(find("unknown.example")).toBeUndefined();
      expect(() => find("broken.example")).toThrow("the keychain is locked");
      writeFileSync(
        join(folder, "config.json"),
        JSON.stringify({ credHelpers: { "good.example": "../sh" } }),
      );
      expect(() => find("good.example")).toThrow('invalid credential helper "../sh"');
      writeFileSync(join(folder, "config.json"), "{");
      expect(() => find("good.example")).toThrow("not valid JSON");
    } finally {
      process.env.PATH = path;
      rmSync(folder, { recursive: true });
    }
  });

  test("no file, no credentials", () => {
    expect(loadCredential(parseReference("x").registry, "/nonexistent")).toBeUndefined();
  });
});

/** Lists and logins of registries that are honest, paged, guarded by tokens, or lie. */
import { describe, expect, test } from "bun:test";
import { parseServer, proveCredential } from "../../src/engine/login.ts";
import { parseSearchTerm, searchImages } from "../../src/engine/search.ts";
import { parseReference } from "../../src/image/reference.ts";
import type { Credential } from "../../src/registry/credential.ts";
import { listRemoteTags, listRepositories, searchHub } from "../../src/registry/listing.ts";
import { createRegistryClient } from "../../src/registry/registry-client.ts";
import {
  defaultRegistrySettings,
  defaultTiming,
  type RegistrySettings,
} from "../../src/registry/registry-settings.ts";
import { registryProblem, startLyingRegistry } from "../lib/lying-registry.ts";

const timing = { ...defaultTiming, headersMs: 2000, attempts: 2, backoffMs: 5 };
const settings: RegistrySettings = { ...defaultRegistrySettings, certificateFolders: [], timing };
const ann: Credential = { kind: "password", username: "ann", password: "secret" };

function open(registry: { readonly host: string }) {
  const reference = parseReference(`${registry.host}/app`);
  const client = createRegistryClient(reference.registry, settings, () => undefined);
  return { tags: () => listRemoteTags(client, reference), repositories: () => listRepositories(client) };
}

describe("pages", () => {
  test("are followed to the last, in order, each name once", async () => {
    await using registry = startLyingRegistry();
    registry.intercept = (_, url) => {
      if (!url.pathname.endsWith("/tags/list")) return undefined;
      const last = url.searchParams.get("last");
      if (last === "b") return Response.json({ name: "app", tags: ["b", "c"] });
      const link = '</v2/app/tags/list?last=b&n=2>; rel="next"';
      return Response.json({ name: "app", tags: ["a", "b"] }, { headers: { link } });
    };
    expect(await open(registry).tags()).toEqual(["a", "b", "c"]);
  });

  test("a circle of pages ends, another host is not asked, null is no tags", async () => {
    await using registry = startLyingRegistry();
    let asked = 0;
    const answer = (link: string, tags: unknown) => {
      registry.intercept = (_, url) => {
        if (!url.pathname.endsWith("/tags/list")) return undefined;
        asked += 1;
        return Response.json({ tags }, { headers: { link } });
      };
    };
    answer('</v2/app/tags/list?n=1000>; rel="next"', ["a"]);
    expect(await open(registry).tags()).toEqual(["a"]);
    expect(asked).toBeLessThanOrEqual(2);
    answer('<http://elsewhere.invalid/v2/app/tags/list>; rel="next"', ["a"]);
    expect(await open(registry).tags()).toEqual(["a"]);
    answer("", null);
    expect(await open(registry).tags()).toEqual([]);
  });

  test("an endless list is cut, and one of the wrong form is an error", async () => {
    await using registry = startLyingRegistry();
    let page = 0;
    registry.intercept = (_, url) => {
      if (url.pathname !== "/v2/_catalog") return undefined;
      page += 1;
      const link = `</v2/_catalog?last=${page}>; rel="next"`;
      return Response.json({ repositories: [`r${page}`] }, { headers: { link } });
    };
    expect(await open(registry).repositories()).toHaveLength(100);
    registry.intercept = () => Response.json({ repositories: "all" });
    await expect(open(registry).repositories()).rejects.toThrow(
      `list of repositories from "${registry.host}"`,
    );
    registry.intercept = () => new Response("<html>");
    await expect(open(registry).repositories()).rejects.toThrow(
      `list of repositories from "${registry.host}"`,
    );
  });

  test("a registry without a catalog says so", async () => {
    await using registry = startLyingRegistry();
    registry.intercept = (_, url) =>
      url.pathname === "/v2/_catalog"
        ? registryProblem(401, "UNAUTHORIZED", "authentication required")
        : undefined;
    await expect(open(registry).repositories()).rejects.toThrow(
      `registry "${registry.host}": unauthorized: authentication required`,
    );
  });
});

describe("search", () => {
  const results = [
    { name: "alpine", description: "small", star_count: 10, is_official: true, is_automated: false },
    { name: "x/alpine" },
  ];

  test("Docker Hub's answer becomes rows", async () => {
    await using registry = startLyingRegistry();
    let query = "";
    registry.intercept = (_, url) => {
      query = url.pathname + url.search;
      return Response.json({ num_results: 2, results });
    };
    expect(await searchHub(settings, "al pine&", 7, `http://${registry.host}`)).toEqual([
      { name: "alpine", description: "small", stars: 10, isOfficial: true, isAutomated: false },
      { name: "x/alpine", description: "", stars: 0, isOfficial: false, isAutomated: false },
    ]);
    expect(query).toBe("/v1/search?q=al+pine%26&n=7");
  });

  test.each([
    ["an error", () => new Response("no", { status: 404 }), "404 Not Found"],
    ["no list", () => Response.json({ results: {} }), "results"],
    ["no names", () => Response.json({ results: [{}] }), "results[0].name"],
    ["a page", () => new Response("<html>"), "answer of"],
  ] as const)("%s instead is an error", async (_, answer, message) => {
    await using registry = startLyingRegistry();
    registry.intercept = answer;
    await expect(searchHub(settings, "x", 1, `http://${registry.host}`)).rejects.toThrow(message);
  });

  test("elsewhere the catalog is searched", async () => {
    await using registry = startLyingRegistry();
    registry.intercept = (_, url) =>
      url.pathname === "/v2/_catalog" ? Response.json({ repositories: ["a/web", "db", "web"] }) : undefined;
    const found = await searchImages(settings, parseSearchTerm(`${registry.host}/WEB`), 9);
    expect(found.map(({ name }) => name)).toEqual([`${registry.host}/a/web`, `${registry.host}/web`]);
  });

  test.each([
    ["alpine", "docker.io", "alpine"],
    ["bitnami/redis", "docker.io", "bitnami/redis"],
    ["docker.io/library/alpine", "docker.io", "alpine"],
    ["localhost:5000/x", "localhost:5000", "x"],
    ["localhost/x/y", "localhost", "x/y"],
    ["quay.io/", "quay.io", ""],
  ])("%s asks %s for %p", (term, registry, text) => {
    expect(parseSearchTerm(term)).toEqual({ registry, text } as never);
  });

  test("a scheme is refused", () => {
    expect(() => parseSearchTerm("https://quay.io/x")).toThrow("should not have a scheme");
  });
});

describe("login", () => {
  test.each([
    [undefined, "docker.io"],
    ["", "docker.io"],
    ["docker.io", "docker.io"],
    ["https://index.docker.io/v1/", "docker.io"],
    ["registry-1.docker.io", "docker.io"],
    ["http://localhost:5000/v2/", "localhost:5000"],
    ["HTTPS://quay.io", "quay.io"],
  ])("%p is %s", (text, registry) => {
    expect(parseServer(text)).toBe(registry as never);
  });

  test.each(["no host", "-x", "a b/c", "user@host"])("%p is no server", (text) => {
    expect(() => parseServer(text)).toThrow("invalid reference format");
  });

  /** A registry that wants a token, and gives one to ann for her password. */
  function guard(registry: ReturnType<typeof startLyingRegistry>) {
    const asked: URLSearchParams[] = [];
    registry.intercept = (request, url) => {
      const proof = request.headers.get("authorization");
      if (url.pathname === "/token") {
        asked.push(url.searchParams);
        const isAnn = proof === `Basic ${btoa("ann:secret")}`;
        return isAnn
          ? Response.json({ token: "T" })
          : Response.json({ details: "incorrect username or password" }, { status: 401 });
      }
      if (proof === "Bearer T") return Response.json({});
      const challenge = `Bearer realm="http://${registry.host}/token",service="s"`;
      return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
    };
    return asked;
  }

  test("by token: who one is, and no scope", async () => {
    await using registry = startLyingRegistry();
    const asked = guard(registry);
    await proveCredential(settings, parseServer(registry.host), ann);
    expect(Object.fromEntries(asked[0] ?? [])).toEqual({ service: "s", account: "ann" });
    await expect(
      proveCredential(settings, parseServer(registry.host), { ...ann, password: "x" }),
    ).rejects.toThrow("unauthorized: incorrect username or password");
  });

  test("a token that is refused all the same ends the login", async () => {
    await using registry = startLyingRegistry();
    registry.intercept = (_, url) =>
      url.pathname === "/token"
        ? Response.json({ token: "wrong" })
        : new Response(null, {
            status: 401,
            headers: { "www-authenticate": `Bearer realm="http://${registry.host}/token"` },
          });
    await expect(proveCredential(settings, parseServer(registry.host), ann)).rejects.toThrow(
      `login attempt to http://${registry.host}/v2/ failed with status: 401 Unauthorized`,
    );
    expect(registry.seen.length).toBeLessThan(12);
  });

  test.each([404, 500, 418])("status %d is no login", async (status) => {
    await using registry = startLyingRegistry();
    registry.intercept = () => new Response(null, { status });
    await expect(proveCredential(settings, parseServer(registry.host), ann)).rejects.toThrow(
      `failed with status: ${status}`,
    );
  });
});

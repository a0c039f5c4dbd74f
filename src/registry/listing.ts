/**
 * What a registry has: the tags of a repository, its repositories, and Docker Hub's search.
 *
 * Lists come in pages, named by Link headers that are followed on the same registry only.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-tags
 * https://distribution.github.io/distribution/spec/api/#catalog
 */
import { BockerError } from "../errors.ts";
import {
  asArray,
  asObject,
  asString,
  optionalBoolean,
  optionalSize,
  optionalString,
  optionalStrings,
  parseJsonObject,
} from "../image/json-field.ts";
import type { ImageReference } from "../image/reference.ts";
import { mustBeOk, type RegistryClient } from "./registry-client.ts";
import type { RegistrySettings } from "./registry-settings.ts";
import { createTransport, type HttpResponse, statusLine } from "./transport.ts";

const pageEntries = 1000;
const maxPageBytes = 4 * 1024 * 1024;
/** A hundred thousand names are more than anybody reads. */
const maxPages = 100;

/** Every tag of a repository, in the registry's order. Throws docker's phrases of a pull. */
export function listRemoteTags(client: RegistryClient, reference: ImageReference): Promise<string[]> {
  const first = `tags/list?n=${pageEntries}`;
  return collectPages(first, "tags", async (path) => {
    const inside = path.replace(/^.*?\/(?=tags\/list)/, "");
    return client.query(reference, { method: "GET", path: inside }, [200]);
  });
}

/** Every repository of a registry that lists them. Throws the registry's refusal. */
export function listRepositories(client: RegistryClient): Promise<string[]> {
  return collectPages(`/v2/_catalog?n=${pageEntries}`, "repositories", async (path) =>
    mustBeOk(client.registry, await client.inquire({ path, scope: "registry:catalog:*" })),
  );
}

async function collectPages(
  first: string,
  key: string,
  load: (path: string) => Promise<HttpResponse>,
): Promise<string[]> {
  const names: string[] = [];
  const seen = new Set<string>();
  let path: string | undefined = first;
  while (path !== undefined && !seen.has(path) && seen.size < maxPages) {
    seen.add(path);
    const response = await load(path);
    const what = `list of ${key} from "${response.url.host}"`;
    const page = parseJsonObject(what, await response.body.bytes(what, maxPageBytes));
    names.push(...(optionalStrings(`${what}: ${key}`, page[key]) ?? []));
    path = nextPage(response);
  }
  return [...new Set(names)];
}

/** `Link: </v2/_catalog?last=b&n=100>; rel="next"` (RFC 8288), as a path; undefined: this was the last page. */
function nextPage(response: HttpResponse): string | undefined {
  const target = /<([^<>]*)>\s*;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
  if (target === undefined || !URL.canParse(target, response.url.href)) return undefined;
  const { host, pathname, search } = new URL(target, response.url);
  return host === response.url.host ? pathname + search : undefined;
}

export interface SearchResult {
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly isOfficial: boolean;
  readonly isAutomated: boolean;
}

const hubIndex = "https://index.docker.io";

/** Asks Docker Hub's index, best match first. https://docs.docker.com/reference/cli/docker/search/ */
export async function searchHub(
  settings: RegistrySettings,
  term: string,
  limit: number,
  index = hubIndex,
): Promise<readonly SearchResult[]> {
  const url = new URL("/v1/search", index);
  url.searchParams.set("q", term);
  url.searchParams.set("n", String(limit));
  const response = await createTransport(settings).send({ method: "GET", url });
  const what = `answer of "${url.host}" to a search`;
  if (response.status !== 200) {
    response.body.discard();
    throw new BockerError(`cannot search "${url.host}": ${statusLine(response)}`, { kind: "unreachable" });
  }
  const json = parseJsonObject(what, await response.body.bytes(what, maxPageBytes));
  return asArray(`${what}: results`, json.results ?? []).map((item, index) => {
    const path = `${what}: results[${index}]`;
    const entry = asObject(path, item);
    return {
      name: asString(`${path}.name`, entry.name),
      description: optionalString(`${path}.description`, entry.description) ?? "",
      stars: optionalSize(`${path}.star_count`, entry.star_count) ?? 0,
      isOfficial: optionalBoolean(`${path}.is_official`, entry.is_official) ?? false,
      isAutomated: optionalBoolean(`${path}.is_automated`, entry.is_automated) ?? false,
    };
  });
}

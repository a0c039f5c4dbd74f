/**
 * `search`: Docker Hub by its search, any other registry (`localhost:5000/term`) by what its catalog names.
 */
import { BockerError } from "../errors.ts";
import { dockerHub, parseRegistry, type Registry } from "../image/reference.ts";
import { listRepositories, type SearchResult, searchHub } from "../registry/listing.ts";
import { createRegistryClient } from "../registry/registry-client.ts";
import type { RegistrySettings } from "../registry/registry-settings.ts";

export type { SearchResult };

/** What a search term asks, and whom. */
export interface SearchTerm {
  readonly registry: Registry;
  readonly text: string;
}

/** `alpine` asks Docker Hub, `localhost:5000/alpine` that registry; there, an empty term means all. Pure. */
export function parseSearchTerm(term: string): SearchTerm {
  if (/^https?:\/\//i.test(term)) {
    throw new BockerError(`invalid repository name: repository name (${term}) should not have a scheme`, {
      kind: "invalid-reference",
    });
  }
  const [first = "", ...rest] = term.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  if (!isHost) return { registry: dockerHub, text: term };
  const text = rest.join("/");
  if (/^(?:index\.)?docker\.io$/.test(first))
    return { registry: dockerHub, text: text.replace(/^library\//, "") };
  return { registry: parseRegistry(first), text };
}

/** At most `limit` repositories. Throws the registry's refusal, or that it cannot be reached. */
export async function searchImages(
  settings: RegistrySettings,
  term: SearchTerm,
  limit: number,
): Promise<readonly SearchResult[]> {
  const { registry, text } = term;
  if (registry === dockerHub) return (await searchHub(settings, text, limit)).slice(0, limit);
  const names = await listRepositories(createRegistryClient(registry, settings));
  return names
    .filter((name) => name.includes(text.toLowerCase()))
    .slice(0, limit)
    .map((name) => ({
      name: `${registry}/${name}`,
      description: "",
      stars: 0,
      isOfficial: false,
      isAutomated: false,
    }));
}

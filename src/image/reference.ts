/**
 * References: the names people give images, parsed once into typed parts.
 *
 * Docker's normalisation: no host means docker.io, one word on docker.io means library/WORD, no tag means latest
 * (withDefaultTag; the parser does not add it). The grammar and the phrases of its errors follow
 * https://github.com/distribution/reference (reference.go, normalize.go).
 */
import { BockerError } from "../errors.ts";
import { type Digest, digestProblem } from "./digest.ts";

declare const registryBrand: unique symbol;
declare const repositoryBrand: unique symbol;
declare const tagBrand: unique symbol;

/** `docker.io`, `localhost:5000`, `[::1]:5000`: host and perhaps port. */
export type Registry = string & { readonly [registryBrand]: true };
/** The path inside a registry: `library/alpine`. */
export type Repository = string & { readonly [repositoryBrand]: true };
export type Tag = string & { readonly [tagBrand]: true };

export interface ImageReference {
  readonly registry: Registry;
  readonly repository: Repository;
  readonly tag?: Tag;
  readonly digest?: Digest;
}

/** A reference that names something to fetch: it has a tag, a digest, or both. */
export type NamedReference = ImageReference & ({ readonly tag: Tag } | { readonly digest: Digest });

export const dockerHub = "docker.io" as Registry;

const maxNameLength = 255;
/** Longer text is refused before any pattern sees it: name, tag, digest and separators never need more. */
const maxReferenceLength = 1024;
const hostPattern =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const componentPattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;

/** Parses what a user typed. Neither adds a tag nor drops one that stands beside a digest. */
export function parseReference(text: string): ImageReference {
  if (text.length > maxReferenceLength) throw invalid();
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`, "");
  }
  const { registry, remainder } = splitRegistry(text);
  const { name, tag, digest } = splitRemainder(remainder);
  return {
    registry: parseRegistry(registry),
    repository: parseRepository(name, registry),
    ...(tag === undefined ? {} : { tag: parseTag(tag) }),
    ...(digest === undefined ? {} : { digest: checkDigest(digest) }),
  };
}

/** The parts of what canonicalName has made, unchecked: for the thousands of names that a store may hold. */
export function splitCanonicalName(name: string): Pick<ImageReference, "registry" | "repository"> & {
  readonly tag?: Tag;
} {
  const slash = name.indexOf("/");
  const at = name.indexOf("@");
  const named = at < 0 ? name : name.slice(0, at);
  const colon = named.indexOf(":", slash);
  const registry = name.slice(0, slash) as Registry;
  const repository = (colon < 0 ? named.slice(slash + 1) : named.slice(slash + 1, colon)) as Repository;
  return colon < 0 ? { registry, repository } : { registry, repository, tag: named.slice(colon + 1) as Tag };
}

/** Parses a tag alone, as in `pull NAME TAG`. */
export function parseTag(text: string): Tag {
  if (!tagPattern.test(text)) throw invalid();
  return text as Tag;
}

/** Parses a registry's host alone, as in `login HOST`. */
export function parseRegistry(text: string): Registry {
  if (!hostPattern.test(text)) throw invalid();
  return text as Registry;
}

/** Whether `text` has the form of a reference. */
export function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch {
    return false;
  }
}

/** No tag and no digest means `:latest`. */
export function withDefaultTag(reference: ImageReference): NamedReference {
  if (reference.tag !== undefined) return { ...reference, tag: reference.tag };
  if (reference.digest !== undefined) return { ...reference, digest: reference.digest };
  return { ...reference, tag: "latest" as Tag };
}

/** The whole name, the key of a tag's row: `docker.io/library/alpine:3.20`, with `@digest` when there is one. */
export function canonicalName(reference: ImageReference): string {
  return `${reference.registry}/${reference.repository}${suffix(reference)}`;
}

/** The name as docker shows it: `alpine:3.20`, `bitnami/redis:7`, `localhost:5000/x:1`. */
export function familiarName(reference: ImageReference): string {
  return familiarRepository(reference) + suffix(reference);
}

/** The familiar name without tag and digest: the REPOSITORY column. */
export function familiarRepository(reference: Pick<ImageReference, "registry" | "repository">): string {
  if (reference.registry !== dockerHub) return `${reference.registry}/${reference.repository}`;
  const official = reference.repository.startsWith("library/") && reference.repository.indexOf("/", 8) < 0;
  return official ? reference.repository.slice(8) : reference.repository;
}

/** `docker.io/library/alpine@sha256:…`: the RepoDigests form, without a tag. */
export function repoDigest(reference: ImageReference, digest: Digest): string {
  return `${reference.registry}/${reference.repository}@${digest}`;
}

function suffix(reference: ImageReference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  return reference.digest === undefined ? tag : `${tag}@${reference.digest}`;
}

/** The first component is a host only if it looks like one; otherwise the whole is a name on docker.io. */
function splitRegistry(text: string): { registry: string; remainder: string } {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first;
  if (slash < 0 || !isHost) return { registry: dockerHub, remainder: official(text) };
  const remainder = text.slice(slash + 1);
  if (first === "index.docker.io" || first === dockerHub) {
    return { registry: dockerHub, remainder: official(remainder) };
  }
  return { registry: first, remainder };
}

function official(remainder: string): string {
  return remainder === "" || remainder.includes("/") ? remainder : `library/${remainder}`;
}

function splitRemainder(remainder: string): { name: string; tag?: string; digest?: string } {
  const at = remainder.indexOf("@");
  const named = at < 0 ? remainder : remainder.slice(0, at);
  const colon = named.indexOf(":");
  return {
    name: colon < 0 ? named : named.slice(0, colon),
    ...(colon < 0 ? {} : { tag: named.slice(colon + 1) }),
    ...(at < 0 ? {} : { digest: remainder.slice(at + 1) }),
  };
}

function parseRepository(name: string, registry: string): Repository {
  if (name.toLowerCase() !== name) throw invalid(`repository name (${name}) must be lowercase`);
  if (!name.split("/").every((component) => componentPattern.test(component))) throw invalid();
  if (registry.length + 1 + name.length > maxNameLength) {
    throw invalid(`repository name must not be more than ${maxNameLength} characters`, "");
  }
  return name as Repository;
}

function checkDigest(text: string): Digest {
  const problem = digestProblem(text);
  if (problem === undefined) return text as Digest;
  // docker reports a recognisable digest by its defect, anything else as a bad reference.
  const recognisable = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/.test(text);
  throw recognisable ? invalid(problem, "") : invalid();
}

function invalid(reason?: string, prefix = "invalid reference format"): BockerError {
  const message = [prefix, reason].filter((part) => part !== "" && part !== undefined).join(": ");
  return new BockerError(message, {
    kind: "invalid-reference",
    hint: "write it as [HOST[:PORT]/]NAME[:TAG][@DIGEST], all lower case before the tag",
  });
}

/**
 * `login` and `logout`: proves credentials to a registry before they are kept.
 *
 * Works without the engine's state, so that a user without root can log in.
 */
import { BockerError } from "../errors.ts";
import { dockerHub, parseRegistry, type Registry } from "../image/reference.ts";
import { type Credential, loadCredential } from "../registry/credential.ts";
import { eraseCredential, type StoredCredential, storeCredential } from "../registry/credential-store.ts";
import { createRegistryClient } from "../registry/registry-client.ts";
import type { RegistrySettings } from "../registry/registry-settings.ts";

export interface Account {
  readonly username: string;
  readonly password: string;
}

/** The registry of a `login` argument: a host, or a URL of one; none is Docker Hub. */
export function parseServer(text: string | undefined): Registry {
  if (text === undefined || text === "") return dockerHub;
  const host = text.replace(/^https?:\/\//i, "").replace(/\/.*$/s, "");
  if (/^(?:(?:index|registry-1|registry)\.)?docker\.io$/.test(host)) return dockerHub;
  return parseRegistry(host);
}

/** Asks the registry whether the account is good, and remembers it. Throws kind `unauthorized` when it is not. */
export async function logIn(
  settings: RegistrySettings,
  registry: Registry,
  account: Account,
): Promise<StoredCredential> {
  await proveCredential(settings, registry, { kind: "password", ...account });
  return storeCredential(registry, account);
}

/** What is remembered for the registry, once the registry has accepted it; undefined: nothing is remembered. */
export function rememberedCredential(registry: Registry): Credential | undefined {
  return loadCredential(registry);
}

/** Throws docker's `login attempt to … failed` unless the registry accepts the credential. */
export async function proveCredential(
  settings: RegistrySettings,
  registry: Registry,
  credential: Credential,
): Promise<void> {
  const client = createRegistryClient(registry, settings, () => credential);
  const response = await client.inquire({ path: "/v2/", scope: "" });
  await response.body.drain();
  if (response.status === 200) return;
  throw new BockerError(
    `login attempt to ${response.url.href} failed with status: ${`${response.status} ${response.statusText}`.trim()}`,
    { kind: "unauthorized", details: { status: response.status } },
  );
}

/** Forgets what is remembered for the registry. */
export function logOut(registry: Registry): void {
  eraseCredential(registry);
}

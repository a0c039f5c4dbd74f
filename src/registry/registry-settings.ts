/**
 * What the engine's configuration says about registries, as plain data, and the defaults.
 *
 * Hosts are written as in a reference, with their port (`registry.example:5000`). Loopback hosts need no mention:
 * they may always speak plain http, as with docker. Nothing here reads files.
 */
import type { Registry } from "../image/reference.ts";
import { dockerHub } from "../image/reference.ts";

export interface RegistrySettings {
  /** Hosts that may speak plain http or show a certificate nobody vouches for. */
  readonly insecure: readonly string[];
  /** Registry to base URLs (`https://mirror.corp/hub`) that are asked first, in order. */
  readonly mirrors: Readonly<Record<string, readonly string[]>>;
  /** Registry to PEM files of further authorities; /etc/docker/certs.d/HOST/*.crt is read besides. */
  readonly authorities: Readonly<Record<string, readonly string[]>>;
  /** Folders with `HOST[:PORT]/{*.crt,*.cert,*.key}`, docker's layout. */
  readonly certificateFolders: readonly string[];
  readonly timing: TransportTiming;
}

export interface TransportTiming {
  /** Until the response's headers are there, connecting included. */
  readonly headersMs: number;
  /** A body that brings fewer than `minBytesPerSecond` over this long has stalled. */
  readonly stallMs: number;
  readonly minBytesPerSecond: number;
  /** Tries of one request, the first included. */
  readonly attempts: number;
  /** Pause before the second try; doubles each time. */
  readonly backoffMs: number;
  /** The longest pause, whatever Retry-After asks for. */
  readonly maxPauseMs: number;
}

export const defaultTiming: TransportTiming = {
  headersMs: 30_000,
  stallMs: 30_000,
  minBytesPerSecond: 256,
  attempts: 5,
  backoffMs: 400,
  maxPauseMs: 60_000,
};

export const defaultRegistrySettings: RegistrySettings = {
  insecure: [],
  mirrors: {},
  authorities: {},
  certificateFolders: ["/etc/docker/certs.d", "/etc/containers/certs.d"],
  timing: defaultTiming,
};

/** One address under which a registry's content may be asked for. */
export interface Endpoint {
  /** `host[:port]` as it appears in URLs and in credentials. */
  readonly host: string;
  /** Put before the repository's path, with a slash at its end; empty for most. */
  readonly prefix: string;
  /** The schemes to try, in order. */
  readonly schemes: readonly ("https" | "http")[];
  /** A mirror may lack things, and is never pushed to. */
  readonly mirror: boolean;
}

/** The addresses of a registry, mirrors first. Pure. */
export function planEndpoints(registry: Registry, settings: RegistrySettings): Endpoint[] {
  const mirrors = settings.mirrors[registry] ?? [];
  const host = registry === dockerHub ? "registry-1.docker.io" : registry;
  return [
    ...mirrors.map((mirror) => mirrorEndpoint(mirror, settings)),
    { host, prefix: "", schemes: schemesFor(registry, settings), mirror: false },
  ];
}

/** Whether a certificate that nobody vouches for, or none at all, will do for this host. */
export function isInsecureHost(host: string, settings: RegistrySettings): boolean {
  return isLoopbackHost(host) || settings.insecure.includes(host);
}

/** `localhost`, 127.0.0.0/8 and ::1, with or without a port. */
export function isLoopbackHost(host: string): boolean {
  const name = host
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "::1" ||
    /^127(?:\.\d{1,3}){3}$/.test(name)
  );
}

function schemesFor(host: string, settings: RegistrySettings): Endpoint["schemes"] {
  return isInsecureHost(host, settings) ? ["https", "http"] : ["https"];
}

function mirrorEndpoint(mirror: string, settings: RegistrySettings): Endpoint {
  const [, scheme, host = "", path = ""] = /^(?:(https?):\/\/)?([^/]+)(?:\/(.*?))?\/*$/.exec(mirror) ?? [];
  const schemes: Endpoint["schemes"] =
    scheme === "http" ? ["http"] : scheme === "https" ? ["https"] : schemesFor(host, settings);
  return { host, prefix: path === "" ? "" : `${path}/`, schemes, mirror: true };
}

/**
 * `--network`: a name, or docker's long form `name=N,alias=A,ip=…`; and back. Pure.
 *
 * Phrases: docker/cli opts/network.go, pkg daemon's runconfig checks.
 */

import type { NetworkConfig } from "./container-config.ts";
import { parseCsvFields, renderCsvFields } from "./csv-fields.ts";
import { ipVersion } from "./ip-version.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Mutable<NetworkConfig> & { aliases: string[] };

/** The long form's keys: docker's, and `link`, which is an option of its own there. */
const fieldReaders: Readonly<Record<string, (network: Draft, value: string) => void>> = {
  name: (network, value) => {
    network.name = value;
  },
  alias: (network, value) => {
    network.aliases.push(value);
  },
  link: (network, value) => {
    network.links = [...(network.links ?? []), checkLink(value)];
  },
  ip: (network, value) => {
    network.ip = checkFamily(value, 4);
  },
  ip6: (network, value) => {
    network.ip6 = checkFamily(value, 6);
  },
  "mac-address": (network, value) => {
    network.macAddress = checkMac(value);
  },
  "gw-priority": (network, value) => {
    network.gatewayPriority = parsePriority(value);
  },
  "driver-opt": (network, value) => {
    network.driverOptions = { ...network.driverOptions, ...parseDriverOption(value) };
  },
};

/** Throws Error(reason), as pflag's Set. */
export function parseNetwork(text: string): NetworkConfig {
  if (!/^\w+=/.test(text)) return { name: text, aliases: [] };
  const network: Draft = { name: "", aliases: [] };
  for (const { key, value, text: field } of parseCsvFields(text)) {
    if (value === undefined) throw new Error(`invalid field ${field}`);
    const read = Object.hasOwn(fieldReaders, key) ? fieldReaders[key] : undefined;
    if (read === undefined) throw new Error(`invalid field key ${key}`);
    read(network, value);
  }
  if (network.name === "") throw new Error("network name/id is not specified");
  return network;
}

/** What a network may be called. Throws Error(reason). */
export function checkNetworkName(name: string): void {
  if (name === "") throw new Error("no name set for network");
  if (name === "container:") throw new Error("invalid container format container:<name|id>");
  if (!/^(container:)?[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) throw new Error(`network ${name} not found`);
}

/** `CONTAINER` or `CONTAINER:ALIAS`, the latter as the answer. Throws Error(reason). */
export function checkLink(text: string): string {
  if (text === "") throw new Error("empty string specified for links");
  const [container = "", alias = container, ...more] = text.split(":");
  const isName = (word: string) => /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(word);
  if (more.length > 0 || !isName(container) || !isName(alias))
    throw new Error(`bad format for links: ${text}`);
  return `${container}:${alias}`;
}

/** What a link of checkLink says. */
export function readLink(link: string): { readonly container: string; readonly alias: string } {
  const [container = "", alias = ""] = link.split(":");
  return { container, alias };
}

/** docker's gw-priority, any whole number. Throws Error(reason). */
export function parsePriority(text: string): number {
  if (/^[+-]?\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`invalid gw-priority (${text}): invalid syntax`);
}

const interfaceName = "com.docker.network.endpoint.ifname";

/** `KEY=VALUE` of docker's driver options, the one that means something here. Throws Error(reason). */
export function parseDriverOption(text: string): Readonly<Record<string, string>> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new Error("invalid key value pair format in driver options");
  const [key, value] = [text.slice(0, equals).trim().toLowerCase(), text.slice(equals + 1).trim()];
  if (key !== interfaceName) throw new Error(`unknown driver option ${key}: known is ${interfaceName}`);
  if (value === "lo" || !/^[a-zA-Z][a-zA-Z0-9_-]{0,14}$/.test(value))
    throw new Error(`invalid interface name ${JSON.stringify(value)}`);
  return { [key]: value };
}

/** What the interface is to be called inside; undefined: the next free number. */
export function interfaceNameOf({ driverOptions }: NetworkConfig): string | undefined {
  return driverOptions?.[interfaceName];
}

/** The address. Throws Error(reason) for one of the other family, or none. */
export function checkFamily(text: string, family: 4 | 6): string {
  if (ipVersion(text) !== family) throw new Error(`invalid IPv${family} address: ${text}`);
  return text;
}

/** As the kernel writes it. Throws Error(reason). */
export function checkMac(text: string): string {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) throw new Error(`invalid MAC address: ${text}`);
  return text.toLowerCase().replaceAll("-", ":");
}

/** The `--network` word that parseNetwork reads back. */
export function renderNetwork(network: NetworkConfig): string {
  const fields: [string, string][] = network.aliases.map((alias) => ["alias", alias]);
  for (const link of network.links ?? []) fields.push(["link", link]);
  if (network.ip !== undefined) fields.push(["ip", network.ip]);
  if (network.ip6 !== undefined) fields.push(["ip6", network.ip6]);
  if (network.macAddress !== undefined) fields.push(["mac-address", network.macAddress]);
  if (network.gatewayPriority !== undefined) fields.push(["gw-priority", String(network.gatewayPriority)]);
  for (const [key, value] of Object.entries(network.driverOptions ?? {}))
    fields.push(["driver-opt", `${key}=${value}`]);
  return fields.length === 0 ? network.name : renderCsvFields([["name", network.name], ...fields]);
}

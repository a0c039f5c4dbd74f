/**
 * What `network create -o` can say, and what it means. Pure.
 *
 * docker's full names (`com.docker.network.bridge.enable_icc`), and the short ones of podman and of these systems; a record
 * holds the full ones. What is not known is refused with the list, where docker would ignore it.
 */
import { ipVersion } from "../config/ip-version.ts";
import { BockerError } from "../errors.ts";
import type { NetworkDriver, NetworkRecord } from "../state/record.ts";

/** docker's names, from the options that its bridge, macvlan and ipvlan drivers read. */
const bridgePrefix = "com.docker.network.bridge.";
export const optionName = {
  bridge: `${bridgePrefix}name`,
  masquerade: `${bridgePrefix}enable_ip_masquerade`,
  icc: `${bridgePrefix}enable_icc`,
  hostBinding: `${bridgePrefix}host_binding_ipv4`,
  mtu: "com.docker.network.driver.mtu",
  interfacePrefix: "com.docker.network.container_iface_prefix",
  parent: "parent",
  macvlanMode: "macvlan_mode",
  ipvlanMode: "ipvlan_mode",
} as const;

export interface BridgeSettings {
  /** Containers of this network reach each other. */
  readonly icc: boolean;
  /** What leaves the network does so with the host's address. */
  readonly masquerade: boolean;
  /** Where `-p` without an address binds; absent: every address. */
  readonly hostBinding?: string;
}

/** How a bridge network behaves, as its options say. */
export function bridgeSettingsOf({ options }: Pick<NetworkRecord, "options">): BridgeSettings {
  const binding = options[optionName.hostBinding];
  return {
    icc: options[optionName.icc] !== "false",
    masquerade: options[optionName.masquerade] !== "false",
    ...(binding === undefined || binding === "0.0.0.0" ? {} : { hostBinding: binding }),
  };
}

type Check = (value: string) => string;

interface KnownOption {
  readonly name: string;
  readonly short: readonly string[];
  readonly drivers: readonly NetworkDriver[];
  /** The value as it is kept; throws Error(reason). */
  readonly check: Check;
}

const everywhere: readonly NetworkDriver[] = ["bridge", "macvlan", "ipvlan"];

const knownOptions: readonly KnownOption[] = [
  { name: optionName.bridge, short: ["bridge", "name"], drivers: ["bridge"], check: checkInterface },
  {
    name: optionName.masquerade,
    short: ["masquerade", "enable_ip_masquerade"],
    drivers: ["bridge"],
    check: checkBoolean,
  },
  { name: optionName.icc, short: ["icc", "enable_icc"], drivers: ["bridge"], check: checkBoolean },
  {
    name: optionName.hostBinding,
    short: ["host_binding_ipv4", "host_binding"],
    drivers: ["bridge"],
    check: checkIpv4,
  },
  { name: optionName.mtu, short: ["mtu"], drivers: everywhere, check: checkMtu },
  {
    name: optionName.interfacePrefix,
    short: ["container_iface_prefix"],
    drivers: everywhere,
    check: checkPrefix,
  },
  { name: optionName.parent, short: [], drivers: ["macvlan", "ipvlan"], check: checkInterface },
  {
    name: optionName.macvlanMode,
    short: ["mode"],
    drivers: ["macvlan"],
    check: oneOf("bridge", "private", "vepa", "passthru"),
  },
  { name: optionName.ipvlanMode, short: ["mode"], drivers: ["ipvlan"], check: oneOf("l2", "l3", "l3s") },
];

/** The options under their full names, each checked. Throws what is unknown, or has a value it cannot have. */
export function resolveOptions(
  driver: NetworkDriver,
  asked: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(asked).map(([name, value]) => resolveOption(driver, name, value)));
}

function resolveOption(driver: NetworkDriver, asked: string, value: string): [string, string] {
  const usable = knownOptions.filter(({ drivers }) => drivers.includes(driver));
  const option = usable.find(({ name, short }) => name === asked || short.includes(asked));
  if (option === undefined) {
    throw new BockerError(`invalid network config: unknown option "${asked}" for driver ${driver}`, {
      kind: "invalid-config",
      hint: `known are ${usable.map(({ name, short }) => short[0] ?? name).join(", ")}, and docker's full names of them`,
    });
  }
  try {
    return [option.name, option.check(value)];
  } catch (error) {
    throw new BockerError(`invalid network config: option ${asked}="${value}": ${(error as Error).message}`, {
      kind: "invalid-config",
    });
  }
}

/** The link's MTU that the options ask for, in bytes. */
export function mtuOf(options: Readonly<Record<string, string>>): number | undefined {
  const text = options[optionName.mtu];
  return text === undefined ? undefined : Number(text);
}

/** Go's strconv.ParseBool, as docker reads these. */
function checkBoolean(value: string): string {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(value)) return "true";
  if (["0", "f", "F", "FALSE", "false", "False"].includes(value)) return "false";
  throw new Error("not true or false");
}

/** The kernel's limits: 68 bytes (IPv4, RFC 791) to 65535. */
function checkMtu(value: string): string {
  const mtu = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (mtu >= 68 && mtu <= 65_535) return String(mtu);
  throw new Error("not a number of bytes from 68 to 65535");
}

function checkIpv4(value: string): string {
  if (ipVersion(value) === 4) return value;
  throw new Error("not an IPv4 address");
}

/** IFNAMSIZ, 16 with the terminating zero; `ip -batch` splits its lines at blanks. */
function checkInterface(value: string): string {
  if (/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}$/.test(value)) return value;
  throw new Error("not the name of an interface: 1 to 15 letters, digits, `_`, `.`, `-`");
}

function checkPrefix(value: string): string {
  if (/^[a-zA-Z][a-zA-Z_-]{0,9}$/.test(value)) return value;
  throw new Error("not the beginning of an interface's name: 1 to 10 letters, `_`, `-`");
}

function oneOf(...words: readonly string[]): Check {
  return (value) => {
    if (words.includes(value)) return value;
    throw new Error(`not one of ${words.join(", ")}`);
  };
}

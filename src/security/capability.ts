/**
 * Linux capabilities: names and bits, docker's default set, and what --cap-add, --cap-drop and --privileged make of it.
 *
 * Pure. Which capabilities this machine can give at all (the bounding set) is an argument: a request beyond it is an
 * error, --privileged means "all there are". See capabilities(7) and linux/capability.h.
 */
import { BockerError } from "../errors.ts";
import { nearestName } from "./nearest-name.ts";

/** In bit order: the index is the capability's number (linux/capability.h, complete up to Linux 6.18). */
export const capabilityNames = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
] as const;

export type Capability = (typeof capabilityNames)[number];

/** What docker leaves a container's root with. */
export const defaultCapabilities: readonly Capability[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

export interface CapabilityRequest {
  readonly privileged: boolean;
  /** docker's words: `NET_ADMIN`, `cap_net_admin`, `ALL`. */
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  /** The caller's own bounding set as a bit mask (CapBnd of /proc/self/status). */
  readonly bounding: bigint;
}

/** The five sets of capabilities(7), by name; the shape of the runtime spec's `process.capabilities`. */
export interface CapabilitySets {
  readonly bounding: readonly Capability[];
  readonly effective: readonly Capability[];
  readonly permitted: readonly Capability[];
  readonly inheritable: readonly Capability[];
  readonly ambient: readonly Capability[];
}

/**
 * The capabilities a container gets, as docker decides: `--cap-add ALL` minus the drops, `--cap-drop ALL` plus the
 * adds, else the default set tweaked. ALL and --privileged mean what the bounding set holds; the defaults are cut
 * to it silently, a capability asked for by name and not there is an error.
 */
export function resolveCapabilities(request: CapabilityRequest): readonly Capability[] {
  const available = capabilitiesOfMask(request.bounding);
  if (request.privileged) return available;
  const add = request.capAdd.map((name) => parseCapability(name));
  const drop = new Set(request.capDrop.map((name) => parseCapability(name)));
  const named = add.filter((name) => name !== "ALL");
  const missing = named.find((name) => !available.includes(name));
  if (missing !== undefined) throw unavailable(missing);
  if (add.includes("ALL")) return available.filter((name) => !drop.has(name));
  const base = drop.has("ALL") ? [] : defaultCapabilities.filter((name) => !drop.has(name));
  return [...new Set([...base.filter((name) => available.includes(name)), ...named])];
}

/**
 * The five sets for a process of this uid. Inheritable and ambient stay empty (CVE-2022-24769: files with inheritable
 * capabilities would raise them), so a user other than root starts with none, and only setuid programs or file
 * capabilities raise some, within the bounding set.
 */
export function capabilitySetsFor(names: readonly Capability[], uid: number): CapabilitySets {
  const held = uid === 0 ? names : [];
  return { bounding: names, effective: held, permitted: held, inheritable: [], ambient: [] };
}

/** `net_admin` or `CAP_NET_ADMIN` to its name; `ALL` stays; anything else is an error that says `what` it was for, with the nearest. */
export function parseCapability(text: string, what = "capability"): Capability | "ALL" {
  const upper = text.toUpperCase();
  if (upper === "ALL" || upper === "CAP_ALL") return "ALL";
  const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  const known = capabilityNames.find((candidate) => candidate === name);
  if (known !== undefined) return known;
  const nearest = nearestName(name, capabilityNames);
  throw new BockerError(`invalid ${what}: unknown capability: "${name}"`, {
    kind: "invalid-config",
    ...(nearest === undefined ? {} : { hint: `did you mean ${nearest}?` }),
  });
}

/** Bit mask of these names, for capset(2) and prctl(PR_CAPBSET_DROP). Unknown names are an error. */
export function capabilityMask(names: readonly string[]): bigint {
  let mask = 0n;
  for (const name of names) {
    const parsed = parseCapability(name);
    mask |= parsed === "ALL" ? allMask() : 1n << BigInt(capabilityNames.indexOf(parsed));
  }
  return mask;
}

/** The names of the bits set; bits beyond the table (a newer kernel's) are left out. */
export function capabilitiesOfMask(mask: bigint): readonly Capability[] {
  return capabilityNames.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}

/** The bounding set in the text of /proc/PID/status; undefined where the kernel shows none. */
export function parseBoundingSet(status: string): bigint | undefined {
  const hex = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return hex === undefined ? undefined : BigInt(`0x${hex}`);
}

function allMask(): bigint {
  return (1n << BigInt(capabilityNames.length)) - 1n;
}

function unavailable(name: string): BockerError {
  return new BockerError(`cannot add capability "${name}": not in this process's bounding set`, {
    kind: "permission",
    hint: "the host or an outer container has dropped it; run without it or as a more privileged user",
  });
}

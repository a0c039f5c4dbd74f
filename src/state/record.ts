/**
 * What the state database knows, as plain records: one type a row.
 *
 * Types only; the schema and the transactions are beside it. Large or immutable things (blobs, layers, logs,
 * container.toml) are files, and only their paths and digests are here.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import type { ProcessIdentity } from "../host/process-identity.ts";

export type { ProcessIdentity };

export type ContainerStatus =
  | "created"
  | "running"
  | "paused"
  | "restarting"
  | "removing"
  | "exited"
  | "dead";

export interface HealthRecord {
  readonly status: "starting" | "healthy" | "unhealthy";
  /** Failures since the last success. */
  readonly failingStreak: number;
  /** The last five, oldest first. */
  readonly log: readonly HealthResult[];
}

export interface HealthResult {
  readonly startMs: number;
  readonly endMs: number;
  /** -1: it could not be run, or took too long. */
  readonly exitCode: number;
  /** At most 4 KiB. */
  readonly output: string;
}

/** `shutdown`: the system goes down, so that the next boot starts it again. */
export type StopIntent = "stop" | "restart" | "shutdown";

export interface ContainerRecord {
  /** 64 hex digits. */
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  /** What was asked for, resolved; see ContainerConfig. */
  readonly config: ContainerConfig;
  /** Digest of the image config (`sha256:…`): docker's image ID. */
  readonly imageId: string;
  /** The reference to show, familiar form: `alpine`, `localhost:5000/x:1`. */
  readonly imageName: string;
  /** Words the process is started with, entrypoint and command merged: Path is [0], Args the rest. */
  readonly args: readonly string[];
  readonly status: ContainerStatus;
  readonly init?: ProcessIdentity;
  readonly monitor?: ProcessIdentity;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  /** 0 until the first exit. */
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why it could not be started, one line; empty when it could. */
  readonly error: string;
  readonly restartCount: number;
  /** Somebody asked it to stop since it was last started; "restart": and will start it again. */
  readonly stopIntent?: StopIntent;
  /** The last pause before the restart policy started it again; doubles, see src/engine/restart-policy.ts. */
  readonly restartDelayMs?: number;
  /** Absent: it has no health check, or was never started. */
  readonly health?: HealthRecord;
  /** Names of the anonymous volumes made for this container. */
  readonly anonymousVolumes: readonly string[];
}

export interface ImageRecord {
  /** Digest of the image config. */
  readonly id: string;
  /** Digest of the manifest that the tag points at. */
  readonly manifestDigest: string;
  readonly createdAtMs: number;
  /** Bytes of the unpacked layers together. */
  readonly sizeBytes: number;
  /** diffIDs, bottom first. */
  readonly layers: readonly string[];
  readonly os: string;
  readonly architecture: string;
}

/** What a step of a build has made. */
export interface BuildCacheRecord {
  /** Digest of what the step depended on. */
  readonly key: string;
  readonly diffID: string;
  /** Of the layer's blob. */
  readonly descriptor: { readonly mediaType: string; readonly digest: string; readonly size: number };
  /** The instruction, with its values in. */
  readonly description: string;
  /** Bytes of the unpacked layer. */
  readonly sizeBytes: number;
  readonly createdAtMs: number;
  readonly usedAtMs: number;
  readonly uses: number;
}

export interface TagRecord {
  /** Canonical: `docker.io/library/alpine:3.20`. */
  readonly reference: string;
  readonly imageId: string;
  readonly updatedAtMs: number;
  /** `docker.io/library/alpine@sha256:…`, absent for what was made here. */
  readonly repoDigest?: string;
}

/** The addresses of one family that a network gives out. */
export interface AddressPool {
  readonly subnet: string;
  readonly gateway: string;
  /** A part of the subnet: only its addresses are given out unasked. */
  readonly ipRange?: string;
  /** Addresses that others on the link have, by docker's free name for each: never given out. */
  readonly auxAddresses: Readonly<Record<string, string>>;
}

export type NetworkDriver = "bridge" | "macvlan" | "ipvlan";

/** The pool of the record itself is IPv4's. */
export interface NetworkRecord extends AddressPool {
  readonly id: string;
  readonly name: string;
  readonly driver: NetworkDriver;
  /** The host's bridge interface, or the parent interface of macvlan and ipvlan; at most 15 bytes. */
  readonly bridge: string;
  /** Absent: no IPv6. */
  readonly ipv6?: AddressPool;
  /** The user chose a subnet: only then fixed addresses can be asked for, as in docker. */
  readonly hasOwnSubnet: boolean;
  /** No way out of the network, and no default route in its containers. */
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly mtu: number;
  readonly labels: Readonly<Record<string, string>>;
  /** As asked for with `-o`, under docker's full names; what they mean is in src/network/network-setting.ts. */
  readonly options: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
}

/** docker's endpoint: a container's place in a network while it runs. */
export interface LeaseRecord {
  readonly networkId: string;
  readonly containerId: string;
  /** 64 hex digits, new with every lease. */
  readonly endpointId: string;
  readonly address: string;
  readonly address6?: string;
  readonly macAddress: string;
  /** Host side of the veth pair. */
  readonly hostInterface: string;
  readonly containerInterface: string;
  /**
   * What others in the network may call the container beside its name: the aliases that were asked for, its short id, its
   * host name. Empty on the default network.
   */
  readonly aliases: readonly string[];
  /** docker's gw-priority: the highest of a container's leases has the default route. */
  readonly gatewayPriority: number;
}

export interface PortRecord {
  readonly containerId: string;
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
}

export interface VolumeRecord {
  readonly name: string;
  readonly driver: "local";
  readonly labels: Readonly<Record<string, string>>;
  readonly anonymous: boolean;
  /** docker's `-o` of the local driver: `type`, `device`, `o`; empty for a plain directory. */
  readonly options: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  /** The directory on the host, `…/volumes/NAME/_data`. */
  readonly mountpoint: string;
}

/** Its value is a file: src/engine/secret.ts. */
export interface SecretRecord {
  /** 25 hex digits, podman's form. */
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
}

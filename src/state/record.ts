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

export type StopIntent = "stop" | "restart";

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

export interface TagRecord {
  /** Canonical: `docker.io/library/alpine:3.20`. */
  readonly reference: string;
  readonly imageId: string;
  readonly updatedAtMs: number;
  /** `docker.io/library/alpine@sha256:…`, absent for what was made here. */
  readonly repoDigest?: string;
}

export interface NetworkRecord {
  readonly id: string;
  readonly name: string;
  readonly driver: "bridge";
  /** Name of the host's bridge interface, at most 15 bytes. */
  readonly bridge: string;
  readonly subnet: string;
  readonly gateway: string;
  readonly internal: boolean;
  readonly mtu: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
}

export interface LeaseRecord {
  readonly networkId: string;
  readonly containerId: string;
  readonly address: string;
  readonly macAddress: string;
  /** Host side of the veth pair. */
  readonly hostInterface: string;
  readonly containerInterface: string;
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

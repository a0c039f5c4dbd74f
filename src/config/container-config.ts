/**
 * ContainerConfig: what a user asked of a container, parsed once, plain and readonly.
 *
 * Made only by src/config from flags, environment, TOML and defaults; stored with the container and
 * turned into an OCI Spec by src/spec. Types only. Image defaults (entrypoint, env, user …) are NOT merged in
 * here: absent means "as the image says", so that `inspect --format toml` writes what was asked and no more.
 */

import type { IdMaps } from "../security/id-map.ts";
import type { GpuRequest } from "./gpu-spec.ts";

export interface ContainerConfig {
  /** The image argument as it was typed: reference, id, or path of a directory or archive. */
  readonly image: string;
  /** `image` is a directory of the host instead, absolute; with `:O` what is written goes into an overlay. */
  readonly rootfs?: true;
  /** Words after the image; empty: the image's CMD. */
  readonly command: readonly string[];
  /** Absent: the image's. An empty list resets it, and so does a non-empty one to the image's CMD. */
  readonly entrypoint?: readonly string[];
  /** Absent: a name is made up. */
  readonly name?: string;
  readonly pull: "always" | "missing" | "never";
  readonly platform?: string;

  readonly tty: boolean;
  readonly interactive: boolean;
  /** What the client that made it asked to be attached to, for `inspect`; absent: output, and input with -i. */
  readonly attached?: readonly ("stdin" | "stdout" | "stderr")[];
  /** Remove the container, and its anonymous volumes, once it has exited. */
  readonly autoRemove: boolean;
  /** Absent: never started again. */
  readonly restart?: RestartConfig;
  readonly health?: HealthConfig;
  readonly init: boolean;

  /** `K=V`, in order, later wins; env files and host look-ups are already resolved. */
  readonly env: readonly string[];
  /** Variables of the image's that the process does not get; absent: none. */
  readonly unsetEnv?: readonly string[] | "all";
  readonly workdir?: string;
  /** `name|uid[:group|gid]`, looked up in the image's files. */
  readonly user?: string;
  readonly groupAdd: readonly string[];
  readonly hostname?: string;
  readonly domainname?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  /** Seconds before SIGKILL; absent: the image's or 10. */
  readonly stopTimeout?: number;
  /** Seconds that a run may take before it is killed; absent: any time. */
  readonly timeoutSeconds?: number;

  /** Octal number of the process's umask; absent: 022. */
  readonly umask?: number;
  /** `Europe/Paris`, or `local`: the host's. Absent: the image's. */
  readonly timeZone?: string;
  /** Absolute; gets the first process's pid at every start. */
  readonly pidFile?: string;

  /** Copied when the container is made; absent: none. */
  readonly secrets?: readonly SecretConfig[];

  readonly mounts: readonly MountConfig[];
  /** `NAME[:ro|rw]`: whose mounts are among `mounts` since the container was made. */
  readonly volumesFrom?: readonly string[];
  readonly readOnly: boolean;
  readonly shmSizeBytes: number;
  /** Absent: the engine's. */
  readonly storageDriver?: "overlay" | "btrfs" | "vfs";
  /** What the container may write to its root file system; absent: all that there is room for. */
  readonly storageSizeBytes?: number;
  readonly devices: readonly DeviceConfig[];
  /** What else may be opened and made, as a cgroup's list has it: `c 10:* rwm`. */
  readonly deviceRules?: readonly string[];
  /** `vendor.com/class=name`, of CDI files. */
  readonly cdiDevices?: readonly string[];
  readonly gpus?: readonly GpuRequest[];

  readonly networks: readonly NetworkConfig[];
  readonly ports: readonly PortConfig[];
  /** Every exposed port that `ports` does not name is published, too, wherever there is room. */
  readonly publishAll?: true;
  /** `PORT[-PORT][/PROTOCOL]`, beside the image's own. */
  readonly expose?: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** `name:ip` or `name:host-gateway`. */
  readonly addHosts: readonly string[];
  /** The image's /etc/hosts stays as it is. */
  readonly noHosts?: boolean;

  readonly resources: ResourceConfig;
  readonly ulimits: readonly UlimitConfig[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly oomScoreAdj?: number;

  readonly privileged: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  /** docker's words: `no-new-privileges`, `seccomp=unconfined|FILE`, `systempaths=unconfined` … */
  readonly securityOpt: readonly string[];
  readonly pidMode?: string;
  readonly ipcMode?: string;
  readonly utsMode?: string;
  /** `host`, `auto[:…]`, `keep-id[:…]`, `private`, `container:X`; absent: the host's, or as uidMap and its relatives say. */
  readonly usernsMode?: string;
  /** podman's words: `[+ug]CONTAINER:[@]HOST[:AMOUNT]`. Absent: as gidMap, and the other way round. */
  readonly uidMap?: readonly string[];
  readonly gidMap?: readonly string[];
  /** Names in /etc/subuid and /etc/subgid. */
  readonly subuidName?: string;
  readonly subgidName?: string;
  /** What all that came to when the container was made; absent: no user namespace. */
  readonly idMaps?: IdMaps;
  readonly cgroupParent?: string;
  /** Absent: a cgroup namespace of its own. */
  readonly cgroupMode?: "host";

  readonly log: LogConfig;
}

/** Times in nanoseconds, as docker keeps them. What is absent is the image's. */
export interface HealthConfig {
  /** `["CMD-SHELL", text]`, `["CMD", …]`; `["NONE"]`: no check, the image's neither. */
  readonly test?: readonly string[];
  readonly intervalNs?: number;
  readonly timeoutNs?: number;
  readonly startPeriodNs?: number;
  readonly startIntervalNs?: number;
  readonly retries?: number;
  /** Once it turns unhealthy; absent: nothing. */
  readonly onFailure?: "kill" | "restart" | "stop";
}

export interface RestartConfig {
  readonly policy: "always" | "unless-stopped" | "on-failure";
  /** Of on-failure; 0: no limit. */
  readonly maxRetries: number;
}

export type MountConfig =
  | {
      readonly type: "bind";
      /** Absolute path on the host. */
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      /** `-v` makes a missing source directory; `--mount` refuses it. */
      readonly createSource: boolean;
      readonly propagation?: "private" | "rprivate" | "slave" | "rslave" | "shared" | "rshared";
      /** Submounts too (docker's default). */
      readonly recursive: boolean;
      /** With readOnly: submounts are not. */
      readonly submountsWritable?: true;
      /** `U`: the source is given to the container's user at each start. */
      readonly chown?: true;
      /** `O`: what is written goes into an overlay that is new at each start; the source stays as it is. */
      readonly overlay?: true;
      /** `idmap`: ids on the disk are the container's. Without it they are the host's, user namespace or not. */
      readonly idmap?: true;
    }
  | {
      readonly type: "volume";
      /** Absent: an anonymous volume. */
      readonly name?: string;
      readonly target: string;
      readonly readOnly: boolean;
      /** First use copies what the image has at the target. */
      readonly copy: boolean;
      /** As with bind. */
      readonly chown?: true;
      /** Of the volume, what is mounted; relative, absent: all of it. */
      readonly subpath?: string;
      /** What the volume gets when it is made for this container. */
      readonly labels?: Readonly<Record<string, string>>;
      readonly driverOptions?: Readonly<Record<string, string>>;
    }
  | {
      readonly type: "image";
      /** The image as it was typed. */
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      /** As with a volume. */
      readonly subpath?: string;
      /** What it was when the container was made; absent until then. */
      readonly image?: { readonly id: string; readonly layers: readonly string[] };
    }
  | { readonly type: "tmpfs"; readonly target: string; readonly options: readonly string[] };

export type SecretConfig =
  | {
      readonly type: "mount";
      /** Of the secret; or its id. */
      readonly name: string;
      /** Absolute path in the container. */
      readonly target: string;
      readonly uid: number;
      readonly gid: number;
      readonly mode: number;
    }
  | { readonly type: "env"; readonly name: string; readonly variable: string };

export interface DeviceConfig {
  readonly hostPath: string;
  readonly containerPath: string;
  /** Some of `r`, `w`, `m`. */
  readonly access: string;
}

export interface NetworkConfig {
  /** `bridge`, `host`, `none`, `container:X`, or a network's name. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** docker's links, `CONTAINER:ALIAS`: names that this container alone has for others. */
  readonly links?: readonly string[];
  readonly ip?: string;
  readonly ip6?: string;
  readonly macAddress?: string;
  /** docker's gw-priority: the network with the highest has the default route; absent is 0. */
  readonly gatewayPriority?: number;
  /** Stands for no network at all, after the last one was disconnected: others may be connected. */
  readonly isVacant?: true;
  /** docker's driver-opt, by full name. */
  readonly driverOptions?: Readonly<Record<string, string>>;
}

export interface PortConfig {
  /** Absent: every address of the host. */
  readonly hostIp?: string;
  /** 0: the engine picks a free one. */
  readonly hostPort: number;
  /** `-p 8000-8010:80`: the engine takes the first free port from hostPort up to this one. */
  readonly hostPortLast?: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
}

export interface ResourceConfig {
  readonly memoryBytes?: number;
  readonly memoryReservationBytes?: number;
  /** Memory plus swap; -1 is unlimited. */
  readonly memorySwapBytes?: number;
  readonly memorySwappiness?: number;
  /** Of the buffers of TCP sockets; cgroup v1 alone has it. */
  readonly kernelMemoryTcpBytes?: number;
  readonly oomKillDisable?: boolean;
  /** Thousand-millionths of a CPU, docker's NanoCpus. */
  readonly nanoCpus?: number;
  readonly cpuShares?: number;
  readonly cpuPeriodUs?: number;
  readonly cpuQuotaUs?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** Of cgroup v1, and of kernels that group real-time processes. */
  readonly cpuRealtimePeriodUs?: number;
  readonly cpuRealtimeRuntimeUs?: number;
  /** -1: unlimited. */
  readonly pidsLimit?: number;
  /** 10 to 1000. */
  readonly blkioWeight?: number;
  readonly blkioWeightDevices?: readonly DeviceWeight[];
  readonly deviceRates?: DeviceRates;
  /** Files of cgroup v2 and what is written there: `memory.high`. */
  readonly cgroupConf?: Readonly<Record<string, string>>;
}

export interface DeviceWeight {
  /** Of a block device of the host. */
  readonly path: string;
  readonly weight: number;
}

/** By what is limited: bytes or operations a second. */
export interface DeviceRates {
  readonly readBps?: readonly DeviceRate[];
  readonly writeBps?: readonly DeviceRate[];
  readonly readIops?: readonly DeviceRate[];
  readonly writeIops?: readonly DeviceRate[];
}

export interface DeviceRate {
  readonly path: string;
  /** 0: no limit. */
  readonly rate: number;
}

export interface UlimitConfig {
  /** Lower case without prefix: `nofile`. */
  readonly name: string;
  /** -1: unlimited. */
  readonly soft: number;
  readonly hard: number;
}

export interface LogConfig {
  readonly driver: "json-file" | "k8s-file" | "none";
  /** Bytes of one file before it is rotated; -1: never, docker's default. */
  readonly maxSizeBytes: number;
  /** Files kept, the live one included. */
  readonly maxFiles: number;
  /** The options, as they were given: `labels`, `tag`, `path` …; each is known to the driver and makes sense. */
  readonly options?: Readonly<Record<string, string>>;
}

/**
 * The engine's own settings: /etc/bocker/config.toml, BOCKER_* variables and global flags over the defaults.
 *
 * Flags win over variables, variables over the file. A missing default file is fine and costs one failed open; a file
 * that was named must be there. TOML is loaded only where there is a file. Shapes are those that src/network and
 * src/registry take; a test holds the defaults equal.
 */
import { readFileSync } from "node:fs";
import { BockerError } from "../errors.ts";
import type { RawOptions } from "./option-spec.ts";
import { parseStorageDriver, type StorageDriverSetting } from "./storage-driver.ts";

export const defaultConfigPath = "/etc/bocker/config.toml";

export interface EngineSettings {
  /** State that outlives a boot; absolute. */
  readonly root: string;
  /** What is valid for one boot; absolute. */
  readonly runRoot: string;
  /** Cgroup under which containers get theirs, where a container names none. */
  readonly cgroupParent?: string;
  readonly storageDriver: StorageDriverSetting;
  /** Of CDI files, the lowest priority first. */
  readonly cdiFolders: readonly string[];
  readonly network: NetworkSettings;
  readonly registries: RegistrySettings;
  /** Options of run, under those of any file, variable or flag: resolveRunArguments' `defaults`. */
  readonly containerDefaults: RawOptions;
}

export interface NetworkSettings {
  readonly bridge: string;
  readonly subnet?: string;
  readonly pools: readonly string[];
  readonly mtu: number;
  readonly firewall: "auto" | "nft" | "iptables" | "userland";
  readonly publishPolicy: "direct" | "respect-host";
  readonly table: string;
  readonly runFolder: string;
}

export interface RegistrySettings {
  readonly insecure: readonly string[];
  readonly mirrors: Readonly<Record<string, readonly string[]>>;
  readonly authorities: Readonly<Record<string, readonly string[]>>;
  readonly certificateFolders: readonly string[];
  readonly timing: {
    readonly headersMs: number;
    readonly stallMs: number;
    readonly minBytesPerSecond: number;
    readonly attempts: number;
    readonly backoffMs: number;
    readonly maxPauseMs: number;
  };
}

/** What the file may say; each key absent where the file is silent. */
export interface EngineFile {
  readonly root?: string;
  readonly runRoot?: string;
  readonly cgroupParent?: string;
  readonly storageDriver?: string;
  readonly cdiFolders?: readonly string[];
  readonly network?: Partial<NetworkSettings>;
  readonly registries?: Partial<RegistrySettings>;
  readonly container?: RawOptions;
}

/** Global flags, as the command line gave them. */
export interface SettingsFlags {
  readonly config?: string;
  readonly root?: string;
  readonly runRoot?: string;
  readonly storageDriver?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws BockerError for a named file that is not there, and for everything wrong in a file at once. */
export async function loadEngineSettings(flags: SettingsFlags, env: Environment): Promise<EngineSettings> {
  const named = flags.config ?? nonEmpty(env.BOCKER_CONFIG);
  const bytes = readConfig(named);
  if (bytes === undefined) return resolveEngineSettings({}, flags, env);
  const { parseEngineFile } = await import("./engine-file.ts");
  return resolveEngineSettings(parseEngineFile(bytes, named ?? defaultConfigPath, env), flags, env);
}

function readConfig(named: string | undefined): Uint8Array | undefined {
  const path = named ?? defaultConfigPath;
  try {
    return readFileSync(path);
  } catch (thrown) {
    const isMissing = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    if (isMissing && named === undefined) return undefined;
    throw new BockerError(`cannot read the configuration ${JSON.stringify(path)}`, {
      kind: isMissing ? "not-found" : "invalid-config",
      cause: thrown,
    });
  }
}

/** The settings, from all sources but the disk. Pure. */
export function resolveEngineSettings(
  file: EngineFile,
  flags: SettingsFlags,
  env: Environment,
): EngineSettings {
  const root = absolute(flags.root ?? nonEmpty(env.BOCKER_ROOT) ?? file.root ?? "/var/lib/bocker", "root");
  const runRoot = absolute(
    flags.runRoot ?? nonEmpty(env.BOCKER_RUN) ?? file.runRoot ?? "/run/bocker",
    "run root",
  );
  return {
    root,
    runRoot,
    ...(file.cgroupParent === undefined ? {} : { cgroupParent: file.cgroupParent }),
    storageDriver: parseStorageDriver(
      flags.storageDriver ?? nonEmpty(env.BOCKER_STORAGE_DRIVER) ?? file.storageDriver ?? "auto",
    ),
    cdiFolders: file.cdiFolders ?? ["/etc/cdi", "/var/run/cdi"],
    network: { ...defaultNetwork(runRoot), ...file.network },
    registries: { ...defaultRegistries(), ...file.registries },
    containerDefaults: file.container ?? new Map(),
  };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function absolute(path: string, what: string): string {
  if (path.startsWith("/")) return path.length > 1 ? path.replace(/\/+$/, "") : path;
  throw new BockerError(`the ${what} ${JSON.stringify(path)} is not an absolute path`, {
    kind: "invalid-config",
  });
}

function defaultNetwork(runRoot: string): NetworkSettings {
  return {
    bridge: "bocker0",
    pools: ["172.30.0.0/16", "172.29.0.0/16", "10.201.0.0/16", "192.168.192.0/18"],
    mtu: 1500,
    firewall: "auto",
    publishPolicy: "direct",
    table: "bocker",
    runFolder: `${runRoot}/network`,
  };
}

function defaultRegistries(): RegistrySettings {
  return {
    insecure: [],
    mirrors: {},
    authorities: {},
    certificateFolders: ["/etc/docker/certs.d", "/etc/containers/certs.d"],
    timing: {
      headersMs: 30_000,
      stallMs: 30_000,
      minBytesPerSecond: 256,
      attempts: 5,
      backoffMs: 400,
      maxPauseMs: 60_000,
    },
  };
}

/**
 * The engine's configuration file against its schema. Loaded only when there is one.
 *
 *   root, run-root, cgroup-parent, storage-driver, cdi-spec-dirs
 *   [network]    bridge, subnet, pools, mtu, firewall, publish-policy, table
 *   [registry]   insecure, certificate-folders, mirrors = { HOST = [URL] }, authorities = { HOST = [FILE] }
 *   [log]        max-size, max-file
 *   [container]  any option of run: what containers get that do not say otherwise
 */

import { readFileSync } from "node:fs";
import * as v from "valibot";
import { messageOf } from "../errors.ts";
import type { EngineFile, NetworkSettings } from "./engine-settings.ts";
import { ipVersion } from "./ip-version.ts";
import { containerTableSchema, rawOptionsOf } from "./option-schema.ts";
import type { RawOptions } from "./option-spec.ts";
import { parseDecimalBytes } from "./option-value.ts";
import { manyWords } from "./run-option.ts";
import { tomlOptions } from "./run-options.ts";
import { parseStorageDriver } from "./storage-driver.ts";
import { decodeToml, parseTomlDocument } from "./toml-document.ts";
import type { TomlPath } from "./toml-position.ts";

const absolutePath = v.pipe(v.string("must be a string"), v.startsWith("/", "must be an absolute path"));
const words = v.array(v.string("must be a string"), "must be a list of strings");
const wordsByHost = v.custom<Readonly<Record<string, readonly string[]>>>(
  isListsByHost,
  'must be a table of HOST = ["…"]',
);
const subnet = v.pipe(
  v.string("must be a string"),
  v.check(isSubnet, "must be an IPv4 subnet such as 172.30.0.0/16"),
);

const networkSchema = v.object(
  {
    bridge: v.optional(
      v.pipe(
        v.string("must be a string"),
        v.regex(/^[A-Za-z][A-Za-z0-9_.-]{0,14}$/, "must be an interface's name of at most 15 letters"),
      ),
    ),
    subnet: v.optional(subnet),
    pools: v.optional(
      v.pipe(v.array(subnet, "must be a list of subnets"), v.minLength(1, "must name at least one subnet")),
    ),
    mtu: v.optional(
      v.pipe(
        v.number("must be a number"),
        v.integer("must be a whole number"),
        v.minValue(68, "must be at least 68"),
        v.maxValue(65_535, "must be at most 65535"),
      ),
    ),
    firewall: v.optional(
      v.picklist(["auto", "nft", "iptables", "userland"], 'must be "auto", "nft", "iptables" or "userland"'),
    ),
    "publish-policy": v.optional(
      v.picklist(["direct", "respect-host"], 'must be "direct" or "respect-host"'),
    ),
    table: v.optional(
      v.pipe(
        v.string("must be a string"),
        v.regex(/^[a-z][a-z0-9_]{0,15}$/, "must be a name of lower case letters"),
      ),
    ),
  },
  "must be a table",
);

const registrySchema = v.object(
  {
    insecure: v.optional(words),
    "certificate-folders": v.optional(words),
    mirrors: v.optional(wordsByHost),
    authorities: v.optional(wordsByHost),
  },
  "must be a table",
);

const logSchema = v.object(
  {
    "max-size": v.optional(
      v.pipe(
        v.union([v.string(), v.number()], 'must be a size such as "10m"'),
        v.transform(String),
        v.rawCheck(({ dataset, addIssue }) => {
          const problem = dataset.typed
            ? problemOf(() => dataset.value === "-1" || parseDecimalBytes(dataset.value))
            : undefined;
          if (problem !== undefined) addIssue({ message: problem });
        }),
      ),
    ),
    "max-file": v.optional(
      v.pipe(
        v.number("must be a number"),
        v.integer("must be a whole number"),
        v.minValue(1, "must be at least 1"),
      ),
    ),
  },
  "must be a table",
);

const tables: Readonly<Record<string, readonly string[]>> = {
  network: Object.keys(networkSchema.entries),
  registry: Object.keys(registrySchema.entries),
  log: Object.keys(logSchema.entries),
};

/** Every key as documentation names it, `network.mtu`; `container` stands for all options of run. */
export function engineFileKeys(): readonly string[] {
  const inTables = Object.entries(tables).flatMap(([table, keys]) => keys.map((key) => `${table}.${key}`));
  return ["root", "run-root", "cgroup-parent", "storage-driver", "cdi-spec-dirs", ...inTables, "container"];
}

/** Throws BockerError that shows every problem with its place. */
export function parseEngineFile(
  bytes: Uint8Array,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): EngineFile {
  const host = { env, cwd: "/", readFile: (name: string) => readFileSync(name) };
  const schema = v.object({
    root: v.optional(absolutePath),
    "run-root": v.optional(absolutePath),
    "cgroup-parent": v.optional(
      v.pipe(
        v.string("must be a string"),
        v.check((text) => !text.split("/").includes(".."), "must not contain .."),
      ),
    ),
    "storage-driver": v.optional(
      v.pipe(
        v.string("must be a string"),
        v.rawCheck(({ dataset, addIssue }) => {
          const problem = dataset.typed ? problemOf(() => parseStorageDriver(dataset.value)) : undefined;
          if (problem !== undefined) addIssue({ message: problem });
        }),
      ),
    ),
    "cdi-spec-dirs": v.optional(v.array(absolutePath, "must be a list of paths")),
    network: v.optional(networkSchema),
    registry: v.optional(registrySchema),
    log: v.optional(logSchema),
    container: v.optional(containerTableSchema(host)),
  });
  const file = parseTomlDocument(decodeToml(bytes, path), path, schema, knownKeysOf(schema.entries));
  return {
    ...(file.root === undefined ? {} : { root: file.root }),
    ...(file["run-root"] === undefined ? {} : { runRoot: file["run-root"] }),
    ...(file["cgroup-parent"] === undefined ? {} : { cgroupParent: file["cgroup-parent"] }),
    ...(file["storage-driver"] === undefined ? {} : { storageDriver: file["storage-driver"] }),
    ...(file["cdi-spec-dirs"] === undefined ? {} : { cdiFolders: file["cdi-spec-dirs"] }),
    ...(file.network ? { network: networkOf(file.network) } : {}),
    ...(file.registry ? { registries: registriesOf(file.registry) } : {}),
    container: withLog(rawOptionsOf(file.container ?? {}), file.log ?? {}),
  };
}

/** `[log]` is `log-opt` of every container; `[container]`'s own wins key by key. */
function withLog(container: RawOptions, log: v.InferOutput<typeof logSchema>): RawOptions {
  const words = Object.entries(log).map(([key, value]) => `${key}=${value}`);
  if (words.length === 0) return container;
  return new Map(container).set("log-opt", [...words, ...manyWords(container.get("log-opt") ?? [])]);
}

function networkOf({ "publish-policy": publishPolicy, ...others }: v.InferOutput<typeof networkSchema>) {
  return definedOnly<NetworkSettings>({ ...others, publishPolicy });
}

function registriesOf(registry: v.InferOutput<typeof registrySchema>) {
  const { insecure, mirrors, authorities } = registry;
  const certificateFolders = registry["certificate-folders"];
  return definedOnly({ insecure, mirrors, authorities, certificateFolders });
}

/** Without the keys that are undefined, so that spreading it over defaults keeps those. */
function definedOnly<T extends object>(value: { readonly [K in keyof T]?: T[K] | undefined }): Partial<T> {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}

function knownKeysOf(entries: Readonly<Record<string, unknown>>) {
  const inner: typeof tables = { ...tables, container: [...tomlOptions().keys()] };
  return (path: TomlPath): readonly string[] | undefined => {
    if (path.length === 0) return Object.keys(entries);
    return path.length === 1 ? inner[String(path[0])] : undefined;
  };
}

function isListsByHost(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every(
    (list) => Array.isArray(list) && list.every((each) => typeof each === "string"),
  );
}

function isSubnet(text: string): boolean {
  const [address = "", length = "", ...more] = text.split("/");
  return more.length === 0 && ipVersion(address) === 4 && /^([0-9]|[12][0-9]|3[0-2])$/.test(length);
}

function problemOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/**
 * The image config: what an image says about its process and its layers. Its digest is the image ID.
 *
 * Keys are the specification's own, docker's additions included (Healthcheck, OnBuild, Shell). Read on the way of
 * every `run`, so it stays light: no manifest, no schema library. Unknown keys are kept out. Follows
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md
 */
import { BockerError } from "../errors.ts";
import { type DiffID, digestProblem } from "./digest.ts";
import {
  asArray,
  asObject,
  asString,
  type JsonObject,
  type KeySet,
  optionalBoolean,
  optionalKeySet,
  optionalObject,
  optionalSize,
  optionalString,
  optionalStringMap,
  optionalStrings,
  parseJsonObject,
  present,
} from "./json-field.ts";

export interface ImageConfig {
  readonly created?: string;
  readonly author?: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly os: string;
  /** Defaults for the process; empty when the image gives none. */
  readonly config: ImageProcessConfig;
  readonly rootfs: { readonly type: "layers"; readonly diff_ids: readonly DiffID[] };
  readonly history: readonly HistoryEntry[];
}

export interface ImageProcessConfig {
  readonly Env?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  /** Keys: `80/tcp`. */
  readonly ExposedPorts?: KeySet;
  /** Keys: paths in the container. */
  readonly Volumes?: KeySet;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly Healthcheck?: ImageHealthcheck;
  readonly Shell?: readonly string[];
  readonly OnBuild?: readonly string[];
}

/** Times in nanoseconds; 0 or absent: docker's default. */
export interface ImageHealthcheck {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", "…"]`. */
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** Beyond this overlayfs and every other engine give up; a config with more is hostile. */
const maxLayers = 512;

/** Parses the bytes of an image config. The caller has checked their digest. Throws kind `corrupt`. */
export function parseImageConfig(bytes: Uint8Array | string): ImageConfig {
  const json = parseJsonObject("image config", bytes);
  const process = optionalObject("image config: config", json.config) ?? {};
  return {
    ...present("created", optionalString("image config: created", json.created)),
    ...present("author", optionalString("image config: author", json.author)),
    architecture: asString("image config: architecture", json.architecture),
    ...present("variant", nonEmpty(optionalString("image config: variant", json.variant))),
    os: asString("image config: os", json.os),
    config: parseProcessConfig("image config: config", process),
    rootfs: { type: "layers", diff_ids: parseDiffIDs(json.rootfs) },
    history: parseHistory(json.history),
  };
}

function parseProcessConfig(path: string, json: JsonObject): ImageProcessConfig {
  const strings = (key: string) => present(key, optionalStrings(`${path}.${key}`, json[key]));
  const text = (key: string) => present(key, optionalString(`${path}.${key}`, json[key]));
  const keys = (key: string) => present(key, optionalKeySet(`${path}.${key}`, json[key]));
  return {
    ...strings("Env"),
    ...strings("Cmd"),
    ...strings("Entrypoint"),
    ...text("User"),
    ...text("WorkingDir"),
    ...keys("ExposedPorts"),
    ...keys("Volumes"),
    ...present("Labels", optionalStringMap(`${path}.Labels`, json.Labels)),
    ...text("StopSignal"),
    ...present("Healthcheck", parseHealthcheck(`${path}.Healthcheck`, json.Healthcheck)),
    ...strings("Shell"),
    ...strings("OnBuild"),
  };
}

function parseHealthcheck(path: string, value: unknown): ImageHealthcheck | undefined {
  const json = optionalObject(path, value);
  if (json === undefined) return undefined;
  const number = (key: string) => present(key, optionalSize(`${path}.${key}`, json[key]));
  return {
    ...present("Test", optionalStrings(`${path}.Test`, json.Test)),
    ...number("Interval"),
    ...number("Timeout"),
    ...number("StartPeriod"),
    ...number("StartInterval"),
    ...number("Retries"),
  };
}

function parseDiffIDs(value: unknown): DiffID[] {
  const rootfs = optionalObject("image config: rootfs", value);
  const list = optionalStrings("image config: rootfs.diff_ids", rootfs?.diff_ids) ?? [];
  if (list.length > maxLayers) {
    throw new BockerError(`image config: ${list.length} layers are more than ${maxLayers}`, {
      kind: "corrupt",
    });
  }
  return list.map((text, index) => {
    const problem = digestProblem(text);
    if (problem === undefined) return text as DiffID;
    throw new BockerError(`image config: rootfs.diff_ids[${index}]: ${problem}`, { kind: "corrupt" });
  });
}

function parseHistory(value: unknown): HistoryEntry[] {
  if (value === undefined || value === null) return [];
  return asArray("image config: history", value).map((item, index) => {
    const path = `image config: history[${index}]`;
    const json = asObject(path, item);
    const text = (key: string) => present(key, optionalString(`${path}.${key}`, json[key]));
    return {
      ...text("created"),
      ...text("created_by"),
      ...text("author"),
      ...text("comment"),
      ...present("empty_layer", optionalBoolean(`${path}.empty_layer`, json.empty_layer)),
    };
  });
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

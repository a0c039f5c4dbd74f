/**
 * Where a container's monitor writes its output, and what --log-opt labels, env and tag add to every entry (docker's
 * loginfo.go, ExtraAttributes).
 */
import { closeSync, openSync } from "node:fs";
import type { LogConfig } from "../config/container-config.ts";
import { renderLogTag } from "../config/log-tag.ts";
import { BockerError, messageOf } from "../errors.ts";
import type { LogTarget } from "../monitor/monitor-dependencies.ts";
import { mergeProcess } from "../spec/merge-process.ts";
import type { ContainerRecord } from "../state/record.ts";
import { loadContainerImage } from "./container-image.ts";
import { containerFolder, logFileIn } from "./container-paths.ts";
import type { Engine } from "./engine.ts";

/** The file a container's output goes to; undefined: it keeps none. */
export function logFileOf(engine: Engine, { id, config }: ContainerRecord): string | undefined {
  return logFileIn(containerFolder(engine.paths, id), config.log);
}

export function logTargetOf(engine: Engine, record: ContainerRecord): LogTarget {
  const { driver, maxSizeBytes, maxFiles, options = {} } = record.config.log;
  const target = { driver, maxSizeBytes, maxFiles, path: logFileOf(engine, record) ?? "" };
  const attributes = driver === "json-file" ? attributesOf(engine, record, options) : {};
  return Object.keys(attributes).length === 0 ? target : { ...target, attributes };
}

/** Throws for a `--log-opt path` that cannot be written: said at the start, and not found out when a log is missing. */
export function checkLogPath({ options }: LogConfig): void {
  if (options?.path === undefined) return;
  try {
    closeSync(openSync(options.path, "a", 0o640));
  } catch (error) {
    throw new BockerError(`cannot write the log "${options.path}": ${messageOf(error)}`, {
      kind: "host",
      cause: error,
    });
  }
}

type Attributes = Readonly<Record<string, string>>;

function attributesOf(engine: Engine, record: ContainerRecord, options: Attributes): Attributes {
  if (Object.keys(options).length === 0) return {};
  const image = loadContainerImage(engine, record);
  const { env } = mergeProcess(record.config, image.config);
  const variables = Object.fromEntries(env.map((entry) => splitOnce(entry)));
  const labels = { ...image.config.Labels, ...record.config.labels };
  return {
    ...chosen(labels, options.labels, options["labels-regex"]),
    ...chosen(variables, options.env, options["env-regex"]),
    ...(options.tag ? { tag: tagOf(record, options.tag) } : {}),
  };
}

/** Those that a list names or a pattern matches. */
function chosen(all: Attributes, list: string | undefined, pattern: string | undefined): Attributes {
  const names = new Set(list?.split(","));
  const matches = pattern ? new RegExp(pattern) : undefined;
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => names.has(name) || matches?.test(name) === true),
  );
}

function tagOf({ id, name, imageId, imageName }: ContainerRecord, tag: string): string {
  return renderLogTag(tag, {
    ID: id.slice(0, 12),
    FullID: id,
    Name: name,
    ImageID: imageId.replace(/^sha256:/, "").slice(0, 12),
    ImageFullID: imageId,
    ImageName: imageName,
    DaemonName: "bocker",
  });
}

function splitOnce(entry: string): [string, string] {
  const equals = entry.indexOf("=");
  return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
}

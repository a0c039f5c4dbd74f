/**
 * `--mount` to a MountConfig; the way back is in render-mount.ts.
 *
 * Pure but for the working directory. Keys and phrases: docker/cli opts/mount.go, then the daemon's
 * volume/mounts/linux_parser.go. parseMountFields fails as pflag's Set does, the rest later, as in docker.
 */
import { resolve } from "node:path";
import { messageOf } from "../errors.ts";
import type { MountConfig } from "./container-config.ts";
import { type CsvField, parseCsvFields } from "./csv-fields.ts";
import { checkVolumeName, cleanPath, parseMountTarget } from "./mount-target.ts";
import { parseBytes, parseGoBoolean } from "./option-value.ts";
import { propagations } from "./volume-spec.ts";

export interface MountFields {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly propagation?: string;
  readonly recursive: boolean;
  /** `bind-recursive=writable`: what is mounted below a read-only bind stays writable. */
  readonly submountsWritable: boolean;
  /** `bind-recursive=readonly`: all of it is read-only, or it is an error. */
  readonly forcesReadOnly: boolean;
  readonly copy: boolean;
  readonly driver: string;
  readonly driverOptions: readonly Pair[];
  readonly labels: readonly Pair[];
  /** Of a volume or an image. */
  readonly subpath: string;
  /** podman's `rw=true`, which an image needs to say. */
  readonly writable: boolean;
  /** `bind-create-src`: a directory of the host that is not there is made, as `-v` does. */
  readonly createSource: boolean;
  readonly tmpfs: readonly string[];
}

type Pair = readonly [key: string, value: string];

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Mutable<MountFields>;
type Reader = (draft: Draft, value: string, field: CsvField) => void;

/** Reads the fields of one `--mount`. Throws Error(reason). */
export function parseMountFields(text: string): MountFields {
  const fields = parseCsvFields(text);
  const draft: Draft = {
    type: "volume",
    source: "",
    target: "",
    readOnly: false,
    recursive: true,
    submountsWritable: false,
    forcesReadOnly: false,
    copy: true,
    driver: "",
    driverOptions: [],
    labels: [],
    subpath: "",
    writable: false,
    createSource: false,
    tmpfs: [],
  };
  for (const field of fields) readField(draft, field);
  if (draft.type === "") throw new Error("type is required");
  if (draft.target === "") throw new Error("target is required");
  for (const { key } of fields) {
    const family = /^(bind|volume|tmpfs|image)-/.exec(key)?.[1];
    if (family && family !== draft.type) {
      throw new Error(`cannot mix '${family}-*' options with mount type '${draft.type}'`);
    }
  }
  checkForcedReadOnly(draft);
  return draft;
}

function checkForcedReadOnly({ forcesReadOnly, readOnly, propagation }: Draft): void {
  if (!forcesReadOnly) return;
  const needs = (what: string) =>
    new Error(`option 'bind-recursive=readonly' requires '${what}' to be specified in conjunction`);
  if (!readOnly) throw needs("readonly");
  if (propagation !== "rprivate") throw needs("bind-propagation=rprivate");
}

const flagKeys = ["readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src"];

function readField(draft: Draft, field: CsvField): void {
  const { key, value, text } = field;
  if (value === undefined && !flagKeys.includes(key)) {
    throw new Error(`invalid field '${text}' must be a key=value pair`);
  }
  const read = Object.hasOwn(readers, key) ? readers[key] : undefined;
  if (!read) throw new Error(`unexpected key '${key}' in '${text}'`);
  read(draft, value ?? "true", field);
}

const readSource: Reader = (draft, value) => {
  draft.source = value;
};
const readTarget: Reader = (draft, value) => {
  draft.target = value;
};
const readReadOnly: Reader = (draft, value, { key }) => {
  draft.readOnly = readFlag(key, value);
};

const readSubpath: Reader = (draft, value) => {
  draft.subpath = value;
};

const readers: Readonly<Record<string, Reader>> = {
  type: (draft, value) => {
    draft.type = value.toLowerCase();
  },
  source: readSource,
  src: readSource,
  target: readTarget,
  dst: readTarget,
  destination: readTarget,
  readonly: readReadOnly,
  ro: readReadOnly,
  consistency: () => {},
  "bind-propagation": (draft, value) => {
    draft.propagation = value.toLowerCase();
  },
  "bind-nonrecursive": (draft, value, { key }) => {
    draft.recursive = !readFlag(key, value);
  },
  "bind-recursive": (draft, value) => {
    if (!["enabled", "disabled", "writable", "readonly"].includes(value)) {
      throw new Error(
        `invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
      );
    }
    draft.recursive = value !== "disabled";
    draft.submountsWritable = value === "writable";
    draft.forcesReadOnly = value === "readonly";
  },
  "bind-create-src": (draft, value, { key }) => {
    draft.createSource = readFlag(key, value);
  },
  "volume-nocopy": (draft, value, { key }) => {
    draft.copy = !readFlag(key, value);
  },
  "volume-driver": (draft, value) => {
    draft.driver = value;
  },
  "volume-opt": (draft, value) => {
    draft.driverOptions = [...draft.driverOptions, pairOf(value)];
  },
  "volume-label": (draft, value) => {
    draft.labels = [...draft.labels, pairOf(value)];
  },
  "volume-subpath": readSubpath,
  "image-subpath": readSubpath,
  subpath: readSubpath,
  rw: (draft, value, { key }) => {
    draft.writable = readFlag(key, value);
    if (!draft.writable) draft.readOnly = true;
  },
  "tmpfs-size": (draft, value, { key }) => {
    draft.tmpfs = [...draft.tmpfs, `size=${readWith(key, value, parseBytes)}`];
  },
  "tmpfs-mode": (draft, value, { key }) => {
    if (!/^0?[0-7]{1,4}$/.test(value)) throw new Error(`invalid value for ${key}: ${value}`);
    draft.tmpfs = [...draft.tmpfs, `mode=${Number.parseInt(value, 8).toString(8)}`];
  },
};

function pairOf(text: string): Pair {
  const equals = text.indexOf("=");
  return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}

function readFlag(key: string, value: string): boolean {
  return readWith(key, value, parseGoBoolean);
}

function readWith<T>(key: string, value: string, parse: (text: string) => T): T {
  try {
    return parse(value);
  } catch {
    throw new Error(`invalid value for ${key}: ${value}`);
  }
}

/** What the fields mean. Throws Error(reason), the daemon's. */
export function resolveMount(fields: MountFields, cwd: string): MountConfig {
  try {
    return resolveTyped(fields, parseMountTarget(fields.target), cwd);
  } catch (thrown) {
    throw new Error(`invalid mount config for type "${fields.type}": ${messageOf(thrown)}`);
  }
}

function resolveTyped(fields: MountFields, target: string, cwd: string): MountConfig {
  const { type, source, readOnly } = fields;
  if (readOnly && fields.writable) throw new Error("ro and rw cannot both be set");
  if (type === "tmpfs") {
    if (source !== "") throw new Error("field Source must not be specified");
    return { type, target, options: [...(readOnly ? ["ro"] : []), ...fields.tmpfs] };
  }
  if (type === "volume") return volumeOf(fields, target);
  if (type === "image") return imageOf(fields, target);
  if (type !== "bind") throw new Error("mount type unknown");
  if (source === "") throw new Error("field Source must not be empty");
  if (!/^(\/|\.{1,2}(\/|$))/.test(source)) {
    throw new Error(`invalid mount path: '${source}' mount path must be absolute`);
  }
  const propagation = propagations.find((each) => each === fields.propagation);
  if (fields.propagation && !propagation) throw new Error(`invalid propagation mode: ${fields.propagation}`);
  const bind = { type, source: cleanPath(resolve(cwd, source)), target, readOnly } as const;
  return {
    ...bind,
    createSource: fields.createSource,
    ...(propagation ? { propagation } : {}),
    recursive: fields.recursive,
    ...(fields.submountsWritable ? { submountsWritable: true } : {}),
  };
}

function volumeOf(fields: MountFields, target: string): MountConfig {
  const { source, readOnly, copy, driver, driverOptions, labels, subpath } = fields;
  if (source !== "") checkVolumeName(source);
  if (subpath !== "" && source === "") throw new Error("must not set Subpath when using anonymous volumes");
  if (driver !== "" && driver !== "local") {
    throw new Error(`error looking up volume plugin ${driver}: plugin "${driver}" not found`);
  }
  return {
    type: "volume",
    ...(source === "" ? {} : { name: source }),
    target,
    readOnly,
    copy,
    ...(subpath === "" ? {} : { subpath: checkSubpath(subpath) }),
    ...(driverOptions.length === 0 ? {} : { driverOptions: Object.fromEntries(driverOptions) }),
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
  };
}

function imageOf({ source, writable, subpath }: MountFields, target: string): MountConfig {
  if (source === "") throw new Error("field Source must not be empty");
  return {
    type: "image",
    source,
    target,
    readOnly: !writable,
    ...(subpath === "" ? {} : { subpath: checkSubpath(subpath.replace(/^\/+/, "")) }),
  };
}

/** docker's rule (Go's filepath.IsLocal); podman begins an image's with a slash. */
function checkSubpath(text: string): string {
  const path = cleanPath(text);
  if (text === "" || path.startsWith("/") || path === ".." || path.startsWith("../")) {
    throw new Error("subpath must be a relative path within the volume");
  }
  return path;
}

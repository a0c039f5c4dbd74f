/**
 * `--mount` and `--tmpfs`, and back to text.
 *
 * Pure but for the working directory. Keys and phrases: docker/cli opts/mount.go, then the daemon's
 * volume/mounts/linux_parser.go. parseMountFields fails as pflag's Set does, the rest later, as in docker.
 */
import { resolve } from "node:path";
import { messageOf } from "../errors.ts";
import type { MountConfig } from "./container-config.ts";
import { type CsvField, parseCsvFields, renderCsvFields } from "./csv-fields.ts";
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
  readonly copy: boolean;
  readonly tmpfs: readonly string[];
}

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
    copy: true,
    tmpfs: [],
  };
  for (const field of fields) readField(draft, field);
  if (draft.type === "") throw new Error("type is required");
  if (draft.target === "") throw new Error("target is required");
  for (const { key } of fields) {
    const family = /^(bind|volume|tmpfs)-/.exec(key)?.[1];
    if (family && family !== draft.type) {
      throw new Error(`cannot mix '${family}-*' options with mount type '${draft.type}'`);
    }
  }
  return draft;
}

const flagKeys = ["readonly", "ro", "volume-nocopy", "bind-nonrecursive"];

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
    if (value !== "enabled" && value !== "disabled")
      throw new Error(`invalid value for bind-recursive: ${value}`);
    draft.recursive = value === "enabled";
  },
  "volume-nocopy": (draft, value, { key }) => {
    draft.copy = !readFlag(key, value);
  },
  "tmpfs-size": (draft, value, { key }) => {
    draft.tmpfs = [...draft.tmpfs, `size=${readWith(key, value, parseBytes)}`];
  },
  "tmpfs-mode": (draft, value, { key }) => {
    if (!/^0?[0-7]{1,4}$/.test(value)) throw new Error(`invalid value for ${key}: ${value}`);
    draft.tmpfs = [...draft.tmpfs, `mode=${Number.parseInt(value, 8).toString(8)}`];
  },
};

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
  if (type === "tmpfs") {
    if (source !== "") throw new Error("field Source must not be specified");
    return { type, target, options: [...(readOnly ? ["ro"] : []), ...fields.tmpfs] };
  }
  if (type === "volume") {
    if (source !== "") checkVolumeName(source);
    return { type, ...(source === "" ? {} : { name: source }), target, readOnly, copy: fields.copy };
  }
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
    createSource: false,
    ...(propagation ? { propagation } : {}),
    recursive: fields.recursive,
  };
}

/** The `--mount` value that reads back as this mount. */
export function renderMount(mount: MountConfig): string {
  const fields: [string, string | true][] = [["type", mount.type]];
  if (mount.type === "bind") fields.push(["source", mount.source]);
  if (mount.type === "volume" && mount.name !== undefined) fields.push(["source", mount.name]);
  fields.push(["target", mount.target]);
  if (mount.type === "tmpfs") {
    for (const option of mount.options)
      fields.push(option === "ro" ? ["readonly", true] : tmpfsField(option));
    return renderCsvFields(fields);
  }
  if (mount.readOnly) fields.push(["readonly", true]);
  if (mount.type === "volume" && !mount.copy) fields.push(["volume-nocopy", true]);
  if (mount.type === "bind" && mount.propagation) fields.push(["bind-propagation", mount.propagation]);
  if (mount.type === "bind" && !mount.recursive) fields.push(["bind-recursive", "disabled"]);
  return renderCsvFields(fields);
}

function tmpfsField(option: string): [string, string] {
  const [key = "", value = ""] = option.split("=");
  return [`tmpfs-${key}`, value];
}

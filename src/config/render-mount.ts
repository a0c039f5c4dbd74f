/**
 * A MountConfig as the `--mount` value that reads back as it. Pure.
 */
import type { MountConfig } from "./container-config.ts";
import { renderCsvFields } from "./csv-fields.ts";

type Field = readonly [key: string, value: string | true];
type OfType<Type> = Extract<MountConfig, { type: Type }>;

export function renderMount(mount: MountConfig): string {
  return renderCsvFields([["type", mount.type], ...fieldsOf(mount)]);
}

function fieldsOf(mount: MountConfig): readonly Field[] {
  switch (mount.type) {
    case "bind":
      return bindFields(mount);
    case "volume":
      return volumeFields(mount);
    case "tmpfs":
      return [["target", mount.target], ...mount.options.map(tmpfsField)];
    case "image":
      return [
        ["source", mount.source],
        ["target", mount.target],
        ...(mount.readOnly ? [] : [["rw", "true"] as const]),
        ...(mount.subpath === undefined ? [] : [["subpath", mount.subpath] as const]),
      ];
  }
}

function bindFields(mount: OfType<"bind">): readonly Field[] {
  const { source, target, propagation, recursive, submountsWritable, createSource } = mount;
  return [
    ["source", source],
    ["target", target],
    ...readOnlyField(mount),
    ...(propagation === undefined ? [] : [["bind-propagation", propagation] as const]),
    ...(recursive ? [] : [["bind-recursive", "disabled"] as const]),
    ...(submountsWritable ? [["bind-recursive", "writable"] as const] : []),
    ...(createSource ? [["bind-create-src", "true"] as const] : []),
  ];
}

function volumeFields(mount: OfType<"volume">): readonly Field[] {
  const { name, target, copy, subpath, labels = {}, driverOptions = {} } = mount;
  const pairs = (key: string, record: Readonly<Record<string, string>>) =>
    Object.entries(record).map(([word, value]) => [key, `${word}=${value}`] as const);
  return [
    ...(name === undefined ? [] : [["source", name] as const]),
    ["target", target],
    ...readOnlyField(mount),
    ...(copy ? [] : [["volume-nocopy", true] as const]),
    ...(subpath === undefined ? [] : [["volume-subpath", subpath] as const]),
    ...pairs("volume-label", labels),
    ...pairs("volume-opt", driverOptions),
  ];
}

function readOnlyField({ readOnly }: { readonly readOnly: boolean }): readonly Field[] {
  return readOnly ? [["readonly", true]] : [];
}

function tmpfsField(option: string): Field {
  if (option === "ro") return ["readonly", true];
  const [key = "", value = ""] = option.split("=");
  return [`tmpfs-${key}`, value];
}

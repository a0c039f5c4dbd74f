/**
 * The local driver's options (`volume create -o type=…,device=…,o=…`): what is accepted, and what a container then mounts.
 *
 * Pure. Keys and phrases are moby's volume/local. Accepted is only what is honoured when a container starts: a directory of
 * the host under the volume's name (`type=none`, `o=bind`), and a tmpfs. Nothing is mounted on the host itself.
 */
import { isAbsolute } from "node:path";
import { BockerError, messageOf } from "../errors.ts";
import type { VolumeSource } from "../spec/spec-mounts.ts";
import { mergeTmpfsOptions } from "../spec/tmpfs-option.ts";
import type { VolumeRecord } from "../state/record.ts";

export type VolumeOptions = Readonly<Record<string, string>>;

const knownKeys = ["type", "device", "o", "size"];

/** Throws docker's words, or which of docker's types there is no way to honour. */
export function checkVolumeOptions(name: string, options: VolumeOptions): void {
  const keys = Object.keys(options);
  if (keys.length === 0) return;
  const fail = (reason: string, hint?: string) =>
    new BockerError(`create ${name}: ${reason}`, {
      kind: "invalid-config",
      ...(hint === undefined ? {} : { hint }),
    });
  const unknown = keys.find((key) => !knownKeys.includes(key));
  if (unknown !== undefined) throw fail(`invalid option: ${JSON.stringify(unknown)}`);
  if (options.size !== undefined) throw fail("quota size requested but no quota support");
  for (const key of ["device", "type"]) {
    if (!options[key]) throw fail(`missing required option: ${JSON.stringify(key)}`);
  }
  try {
    sourceOf(options);
  } catch (error) {
    throw fail(messageOf(error), "type=none with o=bind, or type=tmpfs");
  }
}

/** What a container mounts for the volume: the directory it is, or the file system its options describe. */
export function volumeSourceOf({ options, mountpoint }: VolumeRecord): VolumeSource {
  return Object.keys(options).length === 0 ? mountpoint : sourceOf(options);
}

function sourceOf(options: VolumeOptions): Exclude<VolumeSource, string> {
  const { type = "", device = "" } = options;
  const words = (options.o ?? "").split(",").filter((word) => word !== "");
  if (type === "tmpfs") {
    const merged = mergeTmpfsOptions(["exec", "suid", "dev", ...words]);
    return { type: "tmpfs", source: "tmpfs", options: merged };
  }
  if (type === "none" || type === "bind") return bindOf(device, words);
  throw new Error(`type ${JSON.stringify(type)} cannot be mounted by this engine`);
}

function bindOf(device: string, words: readonly string[]): Exclude<VolumeSource, string> {
  const unknown = words.find((word) => !["bind", "rbind", "ro", "rw"].includes(word));
  if (unknown !== undefined) throw new Error(`invalid mount option ${JSON.stringify(unknown)}`);
  if (!words.includes("bind") && !words.includes("rbind")) throw new Error("type none needs o=bind");
  if (!isAbsolute(device)) throw new Error(`device ${JSON.stringify(device)} must be absolute`);
  const isReadOnly = words.lastIndexOf("ro") > words.lastIndexOf("rw");
  const options = [words.includes("rbind") ? "rbind" : "bind", ...(isReadOnly ? ["ro"] : []), "rprivate"];
  return { type: "bind", source: device, options };
}

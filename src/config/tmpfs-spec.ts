/**
 * `--tmpfs`: `target[:option,option…]`, and back. Pure.
 *
 * Options are those that docker's mount.MergeTmpfsOptions knows; a bare `--tmpfs /x` has none here, and the
 * defaults (noexec, nosuid, nodev) are src/spec's.
 */
import type { MountConfig } from "./container-config.ts";
import { EngineRefusal } from "./engine-refusal.ts";
import { parseMountTarget } from "./mount-target.ts";
import { parseBytes } from "./option-value.ts";

const flags =
  "ro rw suid nosuid dev nodev exec noexec sync async dirsync mand nomand atime noatime diratime nodiratime relatime norelatime strictatime nostrictatime";

const values: Readonly<Record<string, RegExp>> = {
  size: /^[0-9]+%?$/,
  mode: /^[0-7]{1,4}$/,
  uid: /^[0-9]+$/,
  gid: /^[0-9]+$/,
  nr_inodes: /^[0-9]+[kmg]?$/i,
  nr_blocks: /^[0-9]+[kmg]?$/i,
  mpol: /^[a-z0-9:=,-]+$/,
};

/** Throws Error(reason). */
export function parseTmpfs(text: string): MountConfig {
  const colon = text.indexOf(":");
  const target = parseMountTarget(colon < 0 ? text : text.slice(0, colon));
  const options = colon < 0 || colon === text.length - 1 ? [] : text.slice(colon + 1).split(",");
  return { type: "tmpfs", target, options: options.map(parseOption) };
}

function parseOption(option: string): string {
  if (flags.split(" ").includes(option)) return option;
  const [key = "", ...rest] = option.split("=");
  const value = key === "size" ? sizeValue(rest.join("=")) : rest.join("=");
  const form = Object.hasOwn(values, key) ? values[key] : undefined;
  if (rest.length === 0 || !form?.test(value)) throw new EngineRefusal(`invalid tmpfs option ["${option}"]`);
  return `${key}=${value}`;
}

/** `64m` in bytes; a share of memory stays. */
function sizeValue(text: string): string {
  if (text.endsWith("%")) return text;
  try {
    return String(parseBytes(text));
  } catch {
    return "";
  }
}

/** The `--tmpfs` word that reads back as this mount; undefined: only `--mount` can say it. */
export function renderTmpfs(mount: MountConfig): string | undefined {
  if (mount.type !== "tmpfs" || mount.target.includes(":")) return undefined;
  return mount.options.length === 0 ? mount.target : `${mount.target}:${mount.options.join(",")}`;
}

/**
 * `-v`: `[source:]target[:mode]`, and back. Pure but for the working directory, which is given.
 *
 * Grammar and phrases: docker's volume/mounts/linux_parser.go, ParseMountRaw. A source that starts with `.` is
 * relative to the working directory, as in docker's CLI.
 */
import { resolve } from "node:path";
import { messageOf } from "../errors.ts";
import type { MountConfig } from "./container-config.ts";
import { EngineRefusal } from "./engine-refusal.ts";
import { checkVolumeName, cleanPath, parseMountTarget } from "./mount-target.ts";

export const propagations = ["private", "rprivate", "slave", "rslave", "shared", "rshared"] as const;

type Bind = Extract<MountConfig, { type: "bind" }>;

/** Groups of mode words; at most one of each may stand. `z`, `Z` and consistency do nothing here, as on docker. */
const modeGroups: readonly (readonly string[])[] = [
  ["rw", "ro"],
  ["z", "Z"],
  ["nocopy"],
  ["U"],
  ["O"],
  ["idmap"],
  ["consistent", "cached", "delegated", "default"],
  propagations,
];

/** Throws Error(reason). */
export function parseVolume(text: string, cwd: string): MountConfig {
  if (text === "") throw new Error("invalid empty volume spec");
  const parts = text.split(":");
  if (parts[0] === "" && parts.length > 1) {
    throw new EngineRefusal(`${invalid(text).message}: empty section between colons`);
  }
  const isTargetAndMode = parts.length === 2 && isMode(parts[1] ?? "");
  if (parts.length > 3 || isTargetAndMode) throw invalid(text);
  const [first = "", second, mode = ""] = parts;
  if (!isMode(mode) && mode !== "") throw new EngineRefusal(`invalid mode: ${mode}`);
  try {
    return second === undefined
      ? { type: "volume", target: parseMountTarget(first), readOnly: false, copy: true }
      : mountOf(first, parseMountTarget(second), mode.split(","), cwd);
  } catch (thrown) {
    throw new EngineRefusal(`${invalid(text).message}: ${messageOf(thrown)}`);
  }
}

function mountOf(source: string, target: string, mode: readonly string[], cwd: string): MountConfig {
  const readOnly = mode.includes("ro");
  const propagation = propagations.find((each) => mode.includes(each));
  const chown = mode.includes("U") ? ({ chown: true } as const) : {};
  const idmap = mode.includes("idmap") ? ({ idmap: true } as const) : {};
  if (source.startsWith("/") || /^\.{1,2}(\/|$)/.test(source)) {
    if (mode.includes("nocopy")) throw new Error("invalid mode: nocopy is for volumes, not for bind mounts");
    const overlay = mode.includes("O");
    if (overlay && mode.length > 1) throw new Error("invalid mode: O stands alone");
    const bind: Bind = {
      type: "bind",
      source: cleanPath(resolve(cwd, source)),
      target,
      readOnly,
      createSource: true,
      recursive: true,
      ...chown,
      ...idmap,
      ...(overlay ? { overlay } : {}),
    };
    return propagation === undefined ? bind : { ...bind, propagation };
  }
  checkVolumeName(source);
  if (mode.includes("O")) throw new Error("invalid mode: O is for bind mounts, not for volumes");
  if (propagation !== undefined)
    throw new Error(`invalid mode: ${propagation} is for bind mounts, not for volumes`);
  return { type: "volume", name: source, target, readOnly, copy: !mode.includes("nocopy"), ...chown };
}

function isMode(text: string): boolean {
  const words = text.split(",");
  const known = words.every((word) => modeGroups.some((group) => group.includes(word)));
  return known && modeGroups.every((group) => words.filter((word) => group.includes(word)).length <= 1);
}

function invalid(text: string): Error {
  return new EngineRefusal(`invalid volume specification: '${text}'`);
}

/** The `-v` word that parseVolume reads back as this mount; undefined: only `--mount` or `--tmpfs` can say it. */
export function renderVolume(mount: MountConfig): string | undefined {
  if (mount.type === "tmpfs" || mount.type === "image" || mount.target.includes(":")) return undefined;
  const chown = mount.chown === true ? ["U"] : [];
  if (mount.type === "volume") {
    if ((mount.subpath ?? mount.labels ?? mount.driverOptions) !== undefined) return undefined;
    const extra = [...(mount.copy ? [] : ["nocopy"]), ...chown];
    if (mount.name !== undefined) return withMode([mount.name, mount.target], mount.readOnly, extra);
    const isPlain = !mount.readOnly && mount.copy;
    return isPlain ? mount.target : undefined;
  }
  if (!mount.createSource || !mount.recursive || mount.source.includes(":")) return undefined;
  const overlay = mount.overlay === true ? ["O"] : [];
  const idmap = mount.idmap === true ? ["idmap"] : [];
  const propagation = mount.propagation === undefined ? [] : [mount.propagation];
  const extra = [...propagation, ...chown, ...overlay, ...idmap];
  return withMode([mount.source, mount.target], mount.readOnly, extra);
}

function withMode(parts: readonly string[], readOnly: boolean, extra: readonly string[]): string {
  const mode = [...(readOnly ? ["ro"] : []), ...extra];
  return [...parts, ...(mode.length === 0 ? [] : [mode.join(",")])].join(":");
}

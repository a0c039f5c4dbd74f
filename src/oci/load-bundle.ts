/**
 * Reads a bundle: its config.json, and what that names on the host, before anything is made.
 *
 * A bundle decides what runs as root here, so one that any user can write is refused.
 */
import { fstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { close, openat, openat2 } from "../../ffi/file.ts";
import { openFlags, resolveFlags } from "../../ffi/flags.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { BockerError, messageOf } from "../errors.ts";
import type { Spec, SpecMount } from "../spec/oci.ts";
import { checkSpec } from "./check-spec.ts";
import { isBelow } from "./linked-targets.ts";

export interface Bundle {
  /** Absolute. */
  readonly directory: string;
  /** Absolute, without symbolic links. */
  readonly rootfs: string;
  readonly spec: Spec;
  /** config.json as it was read. */
  readonly text: string;
}

const writableByOthers = 0o002;
const sticky = 0o1000;

/**
 * Loads and checks. `config`: another file than the bundle's config.json.
 * @throws BockerError saying which file, or where in it, something is wrong
 */
export function loadBundle(directory: string, config = "config.json"): Bundle {
  const bundle = resolve(directory);
  const folder = statSync(bundle, { throwIfNoEntry: false });
  if (folder === undefined) throw refusal(`chdir ${bundle}: no such file or directory`);
  if (!folder.isDirectory()) throw refusal(`chdir ${bundle}: not a directory`);
  if ((folder.mode & writableByOthers) !== 0 && (folder.mode & sticky) === 0) {
    throw tooOpen("bundle directory", bundle);
  }
  const path = isAbsolute(config) ? config : join(bundle, config);
  const text = readConfig(path);
  const spec = checkSpec(parseJson(text, path));
  const rootfs = findRootfs(bundle, spec);
  return {
    directory: bundle,
    rootfs,
    spec: withDevices(withTmpfsModes(rootfs, withBundlePaths(bundle, spec))),
    text,
  };
}

/** The configuration that create checked and kept. Throws where it is gone or cut short. */
export function loadKeptConfig(path: string): Spec {
  return parseJson(readFileSync(path, "utf8"), path) as Spec;
}

/** JSON, or an error that names the file. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refusal(`cannot parse ${JSON.stringify(path)}: it is not JSON: ${messageOf(cause)}`, cause);
  }
}

function readConfig(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw refusal(`JSON specification file ${path} not found`);
  if (!stat.isFile()) throw refusal(`JSON specification file ${path} is not a file`);
  if ((stat.mode & writableByOthers) !== 0) throw tooOpen("configuration", path);
  return readFileSync(path, "utf8");
}

function findRootfs(bundle: string, spec: Spec): string {
  const named = spec.root?.path ?? "";
  if (named === "") throw refusal("invalid config: root.path: it is empty");
  const path = resolve(bundle, named);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw refusal(`invalid rootfs: stat ${path}: no such file or directory`);
  if (!stat.isDirectory()) throw refusal(`invalid rootfs: ${path}: not a directory`);
  return realpathSync(path);
}

/** Namespaces to join are looked at here, where the error can say which; launching opens them again. */
export function checkNamespacePaths(spec: Spec): void {
  for (const [at, { type, path }] of (spec.linux?.namespaces ?? []).entries()) {
    if (path === undefined || statSync(path, { throwIfNoEntry: false }) !== undefined) continue;
    throw refusal(
      `invalid config: linux.namespaces[${at}].path: lstat ${path}: no such file or directory (${type})`,
    );
  }
}

/** Sources of bind mounts are relative to the bundle (config.md#mounts). */
function withBundlePaths(bundle: string, spec: Spec): Spec {
  const isRelativeBind = ({ type, options = [], source = "" }: SpecMount): boolean =>
    source !== "" &&
    !isAbsolute(source) &&
    (type === "bind" || options.some((word) => /^r?bind$/.test(word)));
  if (!spec.mounts?.some(isRelativeBind)) return spec;
  const mounts = spec.mounts.map((mount) =>
    isRelativeBind(mount) ? { ...mount, source: join(bundle, mount.source ?? "") } : mount,
  );
  return { ...spec, mounts };
}

/** A tmpfs without a mode has that of the directory it covers, as with runc; not where that lies on another mount. */
function withTmpfsModes(rootfs: string, spec: Spec): Spec {
  const { mounts = [] } = spec;
  const inherits = ({ type, options = [] }: SpecMount): boolean =>
    type === "tmpfs" && !options.some((word) => /^(mode=|tmpcopyup$|r?bind$|remount$)/.test(word));
  if (!mounts.some(inherits)) return spec;
  const root = openat(-1, rootfs, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC);
  try {
    const changed = mounts.map((mount, at) => {
      const covered = mounts.slice(0, at).some(({ destination: above }) => isBelow(mount.destination, above));
      const mode = inherits(mount) && !covered ? modeInRoot(root, mount.destination) : undefined;
      return mode === undefined ? mount : { ...mount, options: [...(mount.options ?? []), `mode=${mode}`] };
    });
    return { ...spec, mounts: changed };
  } finally {
    close(root);
  }
}

/** A read-only /dev is made so once its nodes are in it. */
function withDevices(spec: Spec): Spec {
  const { mounts = [] } = spec;
  const isReadonlyDev = ({ destination, type, options = [] }: SpecMount): boolean =>
    destination === "/dev" && type === "tmpfs" && options.includes("ro");
  const dev = mounts.find(isReadonlyDev);
  if (dev === undefined) return spec;
  const flags = (dev.options ?? []).filter((word) => !word.includes("="));
  const writable = mounts.map((mount) =>
    mount === dev ? { ...dev, options: dev.options?.filter((word) => word !== "ro") ?? [] } : mount,
  );
  return { ...spec, mounts: [...writable, { destination: "/dev", options: ["remount", ...flags] }] };
}

/** Of a directory of the root file system, octal; its links are followed as the container would follow them. */
function modeInRoot(root: number, path: string): string | undefined {
  const flags = openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC;
  try {
    const fd = openat2(root, path, flags, resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_MAGICLINKS);
    try {
      return (fstatSync(fd).mode & 0o7777).toString(8);
    } finally {
      close(fd);
    }
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
}

function tooOpen(what: string, path: string): BockerError {
  return new BockerError(`${what} ${JSON.stringify(path)} can be written by any user`, {
    kind: "permission",
    hint: `chmod o-w ${path}`,
  });
}

function refusal(message: string, cause?: unknown): BockerError {
  return new BockerError(message, { kind: "invalid-config", cause });
}

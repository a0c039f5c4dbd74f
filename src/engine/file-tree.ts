/**
 * Two kinds of file trees that `cp` works between: the host's, and a container's as its processes see it.
 *
 * A running container's tree is looked at through /proc/PID/root, so volumes and tmpfs are there; of one that does not run
 * the tree is put together where only this process sees it. Names are resolved by the kernel inside the root
 * (openat2, RESOLVE_IN_ROOT), so no link of a container's leads out of it.
 */
import { closeSync, fstatSync, mkdirSync, openSync, readlinkSync } from "node:fs";
import { join, posix } from "node:path";
import { openat2 } from "../../ffi/file.ts";
import { openFlags, resolveFlags } from "../../ffi/flags.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";
import { isProcessAlive, isProcessEnding } from "../host/process-identity.ts";
import type { ImageConfig } from "../image/image-config.ts";
import type { IdMaps } from "../security/id-map.ts";
import { noSuchContainer } from "../state/container.ts";
import type { ContainerRecord, ProcessIdentity } from "../state/record.ts";
import { getVolume } from "../state/volume.ts";
import { mountRootfs } from "../storage/mount-rootfs.ts";
import { mountPrivately, type PrivateMount } from "../storage/private-mounts.ts";
import { loadContainerImage } from "./container-image.ts";
import { containerFolder } from "./container-paths.ts";
import { containerRootfs } from "./container-rootfs.ts";
import type { Engine } from "./engine.ts";
import { volumeSourceOf } from "./volume-driver.ts";
import { volumeMountsOf } from "./volume-mounts.ts";

export interface FileTree {
  readonly kind: "host" | "container";
  /** O_PATH descriptor of its root; belongs to the tree, which lives as long as the process. */
  readonly rootFd: number;
  /** What /proc/self/fd shows before a path in the tree. */
  readonly prefix: string;
  /** Its files have the host's ids of these; absent: their own. */
  readonly idMaps?: IdMaps;
}

const O_PATH_DIRECTORY = openFlags.O_PATH | openFlags.O_DIRECTORY;
const maxLinks = 40;

/** The host's own. */
export function hostTree(): FileTree {
  return { kind: "host", rootFd: openSync("/", O_PATH_DIRECTORY), prefix: "" };
}

/** A container's. For a process that ends after its one task. */
export function containerTree(engine: Engine, record: ContainerRecord): FileTree {
  const { init } = record;
  if (init === undefined) return idleTree(engine, record);
  const rootFd = openRootOf(init);
  if (rootFd === undefined) return idleTree(engine, record);
  const { idMaps } = record.config;
  if (isProcessAlive(init)) return { kind: "container", rootFd, prefix: "", ...(idMaps && { idMaps }) };
  closeSync(rootFd);
  return idleTree(engine, record);
}

/** Undefined: it is ending, and has let go of its root. */
function openRootOf(init: ProcessIdentity): number | undefined {
  try {
    return openSync(`/proc/${init.pid}/root`, O_PATH_DIRECTORY);
  } catch (error) {
    if (isProcessEnding(init)) return undefined;
    throw error;
  }
}

function idleTree(engine: Engine, record: ContainerRecord): FileTree {
  const image = loadContainerImage(engine, record);
  const rootfs = containerRootfs(engine, record, image);
  const place = makePlace(engine, record.id);
  const rootFd = mountRootfs(rootfs);
  mountPrivately(rootFd, place, idleMounts(engine, record, image));
  return { kind: "container", rootFd, prefix: place };
}

/** Where it is mounted. Not with the folder above, which is gone when the container is. */
function makePlace(engine: Engine, id: string): string {
  const place = join(containerFolder(engine.paths, id), "merged");
  try {
    mkdirSync(place, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw noSuchContainer(id);
    if (code !== "EEXIST") throw error;
  }
  return place;
}

/** Volumes and bound directories of a container that does not run; a tmpfs of it is empty then and left out. */
function idleMounts(engine: Engine, record: ContainerRecord, image: ImageConfig): readonly PrivateMount[] {
  const binds = record.config.mounts.flatMap((mount): PrivateMount[] => {
    // What is written to an overlay is gone when the container does not run.
    if (mount.type !== "bind" || mount.overlay === true) return [];
    const { source, target, readOnly, recursive } = mount;
    return [{ source, target, readOnly, recursive }];
  });
  const volumes = volumeMountsOf(record.id, record.config, image.config).flatMap((mount): PrivateMount[] => {
    const volume = getVolume(engine.state, mount.name);
    const source = volume === undefined ? undefined : volumeSourceOf(volume);
    if (source === undefined) return [];
    if (typeof source === "string") return [{ ...mount, source, recursive: false }];
    const isReadOnly = mount.readOnly || source.options.includes("ro");
    if (source.type !== "bind") return [];
    return [{ ...mount, source: source.source, readOnly: isReadOnly, recursive: true }];
  });
  return [...binds, ...volumes].sort((a, b) => depthOf(a.target) - depthOf(b.target));
}

function depthOf(path: string): number {
  return path.split("/").filter((part) => part !== "").length;
}

/** Opens a path, O_PATH; undefined where nothing is. Throws `not a directory` where the way is none. */
export function openInTree(
  tree: FileTree,
  path: string,
  options: { readonly followLast: boolean; readonly directory?: boolean },
): number | undefined {
  const flags =
    openFlags.O_PATH |
    (options.followLast ? 0 : openFlags.O_NOFOLLOW) |
    (options.directory === true ? openFlags.O_DIRECTORY : 0);
  const inside = resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_MAGICLINKS;
  try {
    return openat2(tree.rootFd, path, flags, tree.kind === "host" ? 0 : inside);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    if (isErrno(error, "ENOTDIR"))
      throw new BockerError("not a directory", { kind: "conflict", cause: error });
    if (isErrno(error, "ELOOP")) {
      throw new BockerError(`too many links on the way to "${path}"`, { kind: "conflict", cause: error });
    }
    throw error;
  }
}

/** The path of an open file in its tree, without any link. */
export function pathInTree(tree: FileTree, fd: number): string {
  const path = readlinkSync(`/proc/self/fd/${fd}`);
  if (!path.startsWith(tree.prefix)) return path;
  return path.slice(tree.prefix.length) || "/";
}

export interface TreeFile {
  /** The directory it is in, O_PATH. */
  readonly parentFd: number;
  /** Its name there; "." for the root. */
  readonly name: string;
  /** Absolute, in the tree. */
  readonly path: string;
  /** Absent: there is nothing of that name. */
  readonly fd?: number;
}

/** The file at the end of a path, of links at its end what they lead to, there or not. Undefined without its directory. */
export function followInTree(tree: FileTree, path: string): TreeFile | undefined {
  let next = path;
  for (let links = 0; links < maxLinks; links++) {
    const file = locateInTree(tree, next);
    if (file?.fd === undefined || !fstatSync(file.fd).isSymbolicLink()) return file;
    const target = readlinkSync(`/proc/self/fd/${file.parentFd}/${file.name}`);
    next = target.startsWith("/") ? target : `${posix.dirname(file.path)}/${target}`;
  }
  throw new BockerError(`too many links on the way to "${path}"`, { kind: "conflict" });
}

/** The file of that name itself. Undefined without its directory. */
export function locateInTree(tree: FileTree, path: string): TreeFile | undefined {
  const clean = path.replace(/\/+(\.?\/)*\.?$/, "");
  const base = posix.basename(clean);
  if (base === "" || base === "." || base === "..") {
    const fd = openInTree(tree, clean === "" ? "/" : clean, { followLast: true });
    return fd === undefined ? undefined : { parentFd: fd, name: ".", path: pathInTree(tree, fd), fd };
  }
  const above = clean.slice(0, clean.length - base.length);
  const parentFd = openInTree(tree, above === "" ? "/" : above, { followLast: true, directory: true });
  if (parentFd === undefined) return undefined;
  const fd = openInTree(tree, clean, { followLast: false });
  const found = { parentFd, name: base, path: posix.join(pathInTree(tree, parentFd), base) };
  return fd === undefined ? found : { ...found, fd };
}

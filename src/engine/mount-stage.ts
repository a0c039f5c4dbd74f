/**
 * Mounts that no path of the host leads to: a tmpfs of secrets, the layers of an image, an overlay of a directory (`-v …:O`),
 * a part of a volume. They are made
 * here, detached, and put into the child's own copy of the host's tree, where the Spec's binds find them like any
 * other directory:
 *
 *   container/ID/stage/secret    tmpfs, a file each
 *   container/ID/stage/N         image, overlay or part of a volume of the Nth mount
 *
 * On the host these stay empty places. What leads through a volume's or an image's links is resolved by the kernel
 * inside of it (openat2, RESOLVE_IN_ROOT), and nothing that runs can change the way afterwards.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { closeQuietly, openat2 } from "../../ffi/file.ts";
import { atFlags, openFlags, openTreeFlags, resolveFlags } from "../../ffi/flags.ts";
import { open_tree } from "../../ffi/mount.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError, ExitCode } from "../errors.ts";
import { type DiffID, parseDiffID } from "../image/digest.ts";
import type { StagedMount } from "../launch/context.ts";
import type { MountSources, VolumeSource } from "../spec/spec-mounts.ts";
import type { ContainerRecord } from "../state/record.ts";
import { getVolume } from "../state/volume.ts";
import { applyRootAttributes, stackLayers } from "../storage/layer-stack.ts";
import { type MappedIds, mapMount } from "../storage/mapped-mount.ts";
import { mountRootfs } from "../storage/mount-rootfs.ts";
import { openLayerTree } from "../storage/open-tree.ts";
import { removeTree } from "../storage/remove-tree.ts";
import type { Rootfs } from "../storage/storage-driver.ts";
import { containerFolder } from "./container-paths.ts";
import { mountedSecrets, mountSecrets } from "./container-secret.ts";
import type { Engine } from "./engine.ts";
import type { OpenUserns } from "./open-userns.ts";
import {
  type BindMount,
  type ImageMount,
  isStaged,
  type StagedMountConfig,
  type VolumeMount,
} from "./staged-mount.ts";
import { volumeSourceOf } from "./volume-driver.ts";

export interface MountStage {
  readonly mounts: readonly StagedMount[];
  readonly sources: Pick<MountSources, "secrets" | "images" | "volumes">;
  /** Which of the sources are files; the others are directories. */
  readonly files: readonly string[];
}

/** A stage whose descriptors are open, by the names of its mounts. */
export interface OpenStage extends MountStage, Disposable {
  readonly fds: Readonly<Record<string, number>>;
}

/** What the stage will be, as far as it can be told without making it. */
export function sketchStage(engine: Engine, record: ContainerRecord): MountStage {
  const builder = new StageBuilder(engine, record);
  builder.addSecrets(() => undefined);
  for (const [index, mount] of stagedMounts(record.config)) {
    const within = mount.type === "bind" ? "" : (mount.subpath ?? "");
    builder.addMount(index, mount, () => ({ within, isFile: false }));
  }
  return builder.stage();
}

/** Makes the mounts; disposing closes what has not been handed on. */
export function openStage(engine: Engine, record: ContainerRecord, userns?: OpenUserns): OpenStage {
  const builder = new StageBuilder(engine, record);
  const fds: Record<string, number> = {};
  const close = () => closeQuietly(...Object.values(fds));
  try {
    builder.addSecrets((name) => {
      fds[name] = mountSecrets(engine, record);
      makePlace(builder.pathOf(name), false);
    });
    for (const [index, mount] of stagedMounts(record.config)) {
      builder.addMount(index, mount, (name) => {
        const opened = openStaged(engine, record, index, mount, userns?.ids);
        fds[name] = opened.fd;
        makePlace(builder.pathOf(name), opened.isFile && opened.within === "");
        return opened;
      });
    }
    return { ...builder.stage(), fds, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

function stagedMounts(config: ContainerConfig): readonly (readonly [number, StagedMountConfig])[] {
  return config.mounts.flatMap((mount, index) => (isStaged(mount) ? [[index, mount] as const] : []));
}

/** Where in a staged mount its source lies, without links; empty: it is the mount itself. */
interface Place {
  readonly within: string;
  readonly isFile: boolean;
}

class StageBuilder {
  readonly #mounts: StagedMount[] = [];
  readonly #files: string[] = [];
  readonly #secrets: { source: string; target: string }[] = [];
  readonly #images: Record<string, string> = {};
  readonly #volumes: Record<string, VolumeSource> = {};
  readonly #folder: string;

  constructor(
    engine: Engine,
    private readonly record: ContainerRecord,
  ) {
    this.#folder = join(containerFolder(engine.paths, record.id), "stage");
  }

  pathOf(name: string): string {
    return join(this.#folder, name.replace(/^stage-/, ""));
  }

  addSecrets(open: (name: string) => void): void {
    const secrets = mountedSecrets(this.record.config);
    if (secrets.size === 0) return;
    const path = this.#add("stage-secret");
    open("stage-secret");
    for (const [name, { target }] of secrets) {
      this.#secrets.push({ source: join(path, name), target });
      this.#files.push(join(path, name));
    }
  }

  addMount(index: number, mount: StagedMountConfig, open: (name: string) => Place): void {
    const name = `stage-${index}`;
    const { within, isFile } = open(name);
    const source = join(this.#add(name), within);
    if (isFile) this.#files.push(source);
    const sources = mount.type === "volume" ? this.#volumes : this.#images;
    sources[mount.target] = source;
  }

  stage(): MountStage {
    const sources = { secrets: this.#secrets, images: this.#images, volumes: this.#volumes };
    return { mounts: this.#mounts, sources, files: this.#files };
  }

  #add(name: string): string {
    this.#mounts.push({ fd: name, path: this.pathOf(name) });
    return this.pathOf(name);
  }
}

/** What the child mounts on: of the same kind as what is mounted. */
function makePlace(path: string, isFile: boolean): void {
  mkdirSync(isFile ? join(path, "..") : path, { recursive: true, mode: 0o700 });
  if (isFile) closeSync(openSync(path, "a", 0o600));
}

interface Opened extends Place {
  readonly fd: number;
}

function openStaged(
  engine: Engine,
  record: ContainerRecord,
  index: number,
  mount: StagedMountConfig,
  ids: MappedIds | undefined,
): Opened {
  if (mount.type === "volume") return openPart(engine, mount, ids);
  const folder = join(containerFolder(engine.paths, record.id), "overlay", String(index));
  return mount.type === "image" ? openImage(engine, folder, mount, ids) : openOverlay(engine, folder, mount);
}

/** The layers alone, or with an upper directory of the container's own in `folder`. */
function openImage(engine: Engine, folder: string, mount: ImageMount, ids: MappedIds | undefined): Opened {
  const layers = (mount.image?.layers ?? []).map(parseDiffID);
  const empty = join(folder, "empty");
  mkdirSync(empty, { recursive: true, mode: 0o755 });
  const stack = stackLayers(engine.paths, layers);
  const lowerdirs = stack.length === 0 ? [empty] : stack;
  const fd = mount.readOnly
    ? openLayerTree(lowerdirs, ids)
    : mountRootfs(writableRoot(folder, lowerdirs, layers, engine), ids);
  try {
    return { fd, ...placeWithin(fd, mount.subpath, `image "${mount.source}"`) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function writableRoot(
  folder: string,
  lowerdirs: readonly string[],
  layers: readonly DiffID[],
  engine: Engine,
): Rootfs {
  const [upperdir, workdir] = [join(folder, "upper"), join(folder, "work")];
  if (!existsSync(upperdir)) {
    mkdirSync(upperdir, { recursive: true, mode: 0o700 });
    applyRootAttributes(engine.paths, layers, upperdir);
  }
  mkdirSync(workdir, { recursive: true, mode: 0o700 });
  return { kind: "overlay", lowerdirs, upperdir, workdir };
}

/** podman's rule: what was written before is gone at each start. */
function openOverlay(engine: Engine, folder: string, { source }: BindMount): Opened {
  removeTree(engine.paths, folder);
  const { mode, uid, gid } = statSync(source);
  const [upperdir, workdir] = [join(folder, "upper"), join(folder, "work")];
  for (const path of [upperdir, workdir]) mkdirSync(path, { recursive: true, mode: 0o700 });
  chownSync(upperdir, uid, gid);
  chmodSync(upperdir, mode & 0o7777);
  const fd = mountRootfs({ kind: "overlay", lowerdirs: [source], upperdir, workdir });
  return { fd, within: "", isFile: false };
}

/** A copy of the mount of just that part of the volume: whatever is renamed meanwhile, it stays that file or directory. */
function openPart(engine: Engine, mount: VolumeMount, ids: MappedIds | undefined): Opened {
  const root = openSync(volumeRoot(engine, mount), openFlags.O_PATH | openFlags.O_DIRECTORY);
  let part: number | undefined;
  try {
    part = openInside(root, mount.subpath ?? "", `volume "${mount.name ?? ""}"`);
    const { OPEN_TREE_CLONE } = openTreeFlags;
    const { AT_EMPTY_PATH, AT_RECURSIVE } = atFlags;
    const fd = open_tree(part, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE);
    if (ids !== undefined) mapMount(fd, ids);
    return { fd, within: "", isFile: !fstatSync(part).isDirectory() };
  } finally {
    closeQuietly(root, part);
  }
}

function volumeRoot(engine: Engine, { name = "" }: VolumeMount): string {
  const volume = getVolume(engine.state, name);
  const source = volume === undefined ? join(engine.paths.volumes, name, "_data") : volumeSourceOf(volume);
  if (typeof source === "string") return source;
  if (source.type === "bind") return source.source;
  throw new BockerError(
    `cannot mount a part of volume "${name}": it is a tmpfs, made anew for each container`,
    {
      kind: "unsupported",
    },
  );
}

function placeWithin(fd: number, subpath: string | undefined, what: string): Place {
  if (subpath === undefined || subpath === ".") return { within: "", isFile: false };
  const found = openInside(fd, subpath, what);
  try {
    // A detached mount's paths begin at its own root.
    return { within: readlinkSync(`/proc/self/fd/${found}`), isFile: !fstatSync(found).isDirectory() };
  } finally {
    closeSync(found);
  }
}

function openInside(fd: number, subpath: string, what: string): number {
  const inside = resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_MAGICLINKS;
  try {
    return openat2(fd, subpath, openFlags.O_PATH, inside);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) throw error;
    throw new BockerError(`cannot access path "${subpath}" in ${what}: no such file or directory`, {
      kind: "not-found",
      exitCode: ExitCode.notFound,
      cause: error,
    });
  }
}

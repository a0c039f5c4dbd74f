/**
 * `cp`: files between the host and a container, or a tar stream and a container.
 *
 * What is read becomes a tar in this process (links of a tree are copied, never followed unless asked); what is written is
 * written by a process that has chrooted into the tree (write-archive.ts). Rules of names are in copy-rule.ts.
 */
import { fstatSync } from "node:fs";
import { posix } from "node:path";
import type { MountConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { containerIdOf, type IdMaps } from "../security/id-map.ts";
import { appendContainerEvent } from "../state/event.ts";
import type { ContainerRecord } from "../state/record.ts";
import { EntryPacker } from "../storage/pack-entry.ts";
import { gather } from "../storage/pack-tree.ts";
import { tarEndMark } from "../storage/tar-encode.ts";
import type { TarEntry } from "../storage/tar-entry.ts";
import { walkTree } from "../storage/tree-walk.ts";
import { type ArchiveInput, type ArchiveTarget, writeArchive } from "../storage/write-archive.ts";
import { assertsDirectory, type CopySource, type CopyTarget, isContents, planCopy } from "./copy-rule.ts";
import type { Engine } from "./engine.ts";
import {
  containerTree,
  type FileTree,
  followInTree,
  hostTree,
  locateInTree,
  openInTree,
  pathInTree,
  type TreeFile,
} from "./file-tree.ts";
import { loadContainer } from "./find-container.ts";
import { unlessRemoved } from "./removed-meanwhile.ts";

export interface CopyOptions {
  /** Owners as they are in the source. */
  readonly archive: boolean;
  /** Of a link as the source, what it leads to. */
  readonly followLink: boolean;
  /** Relative host paths begin here. */
  readonly cwd: string;
}

/** Copies out of a container onto the host; resolves to the bytes that went through. */
export async function copyFromContainer(
  engine: Engine,
  container: string,
  from: string,
  to: string,
  options: CopyOptions,
): Promise<number> {
  const host = hostTree();
  const { file, source } = await containerSource(engine, container, from, options);
  const target = hostTarget(host, to, options.cwd);
  const plan = planCopy(source, target);
  const rootFd = openInTree(host, plan.directory, { followLast: true, directory: true });
  if (rootFd === undefined) throw missingOutput(plan.directory);
  const counter = new ByteCounter(packFile(file, plan.name));
  await writeArchive(counter, { rootFd, directory: "/", keepOwner: options.archive });
  return counter.bytes;
}

/** The files of a container as a tar. */
export async function archiveFromContainer(
  engine: Engine,
  container: string,
  from: string,
  options: CopyOptions,
): Promise<Iterable<Buffer>> {
  const { file, source } = await containerSource(engine, container, from, options);
  return packFile(file, source.contentsOnly ? "" : source.base);
}

/** Copies from the host into a container; resolves to the bytes that went through. */
export async function copyToContainer(
  engine: Engine,
  from: string,
  container: string,
  to: string,
  options: CopyOptions,
): Promise<number> {
  const path = absolute(from, options.cwd);
  const { file, source } = sourceIn(hostTree(), path, options, () => missingInput(path));
  const record = await loadContainer(engine, container);
  return unlessRemoved(engine, record, container, async () => {
    const tree = containerTree(engine, record);
    const plan = planCopy(source, containerTarget(tree, container, to));
    const directory = writableDirectory(tree, record, plan.directory, container);
    const counter = new ByteCounter(packFile(file, plan.name));
    await writeArchive(counter, { ...intoTree(tree), directory });
    appendContainerEvent(engine.state, record.id, "extract-to-dir");
    return counter.bytes;
  });
}

/** Unpacks standard input in a directory of a container. */
export async function extractToContainer(engine: Engine, container: string, to: string): Promise<void> {
  const record = await loadContainer(engine, container);
  await unlessRemoved(engine, record, container, async () => {
    const tree = containerTree(engine, record);
    const target = containerTarget(tree, container, to);
    if (target.kind !== "directory") {
      throw new BockerError(`destination "${container}:${to}" must be a directory`, { kind: "conflict" });
    }
    const directory = writableDirectory(tree, record, target.path, container);
    const input: ArchiveInput = "stdin";
    await writeArchive(input, { ...intoTree(tree), directory });
    appendContainerEvent(engine.state, record.id, "extract-to-dir");
  });
}

function intoTree({ rootFd, idMaps }: FileTree): Omit<ArchiveTarget, "directory"> {
  return { rootFd, keepOwner: true, ...(idMaps && { idMaps }) };
}

interface FoundSource {
  readonly file: OpenTreeFile;
  readonly source: CopySource;
}

async function containerSource(
  engine: Engine,
  container: string,
  from: string,
  options: CopyOptions,
): Promise<FoundSource> {
  const record = await loadContainer(engine, container);
  const path = `/${from}`;
  const found = await unlessRemoved(engine, record, container, () =>
    sourceIn(containerTree(engine, record), path, options, () => missingFile(from, container)),
  );
  appendContainerEvent(engine.state, record.id, "archive-path");
  return found;
}

/** A path with a slash at its end means what a link leads to. */
function sourceIn(
  tree: FileTree,
  path: string,
  options: CopyOptions,
  missing: () => BockerError,
): FoundSource {
  const isDirectoryPath = assertsDirectory(path);
  const follows = options.followLink || isDirectoryPath;
  const file = follows ? followInTree(tree, path) : locateInTree(tree, path);
  if (file?.fd === undefined) throw missing();
  const isDirectory = fstatSync(file.fd).isDirectory();
  if (isDirectoryPath && !isDirectory) throw new BockerError("not a directory", { kind: "conflict" });
  const base = posix.basename(posix.normalize(path));
  const { idMaps } = tree;
  const open = { ...file, fd: file.fd, ...(idMaps && { idMaps }) };
  return { file: open, source: { isDirectory, base, contentsOnly: isContents(path) } };
}

function hostTarget(tree: FileTree, to: string, cwd: string): CopyTarget {
  const path = absolute(to, cwd);
  const parent = posix.dirname(posix.normalize(path));
  if (openInTree(tree, parent, { followLast: true }) === undefined) throw missingOutput(parent);
  // A device would be a file afterwards, and /dev/stdout leads to a name that no pipe has.
  const found = assertsDirectory(path) ? undefined : openInTree(tree, path, { followLast: true });
  const special = specialOf(found);
  if (special !== undefined) throw notWritable("invalid output path:", posix.normalize(path), special);
  return targetIn(tree, path) ?? missingTarget(path);
}

function containerTarget(tree: FileTree, container: string, to: string): CopyTarget {
  const target = targetIn(tree, `/${to}`) ?? missingTarget(`/${to}`);
  const special = specialOf(followInTree(tree, `/${to}`)?.fd);
  if (special !== undefined) throw notWritable("destination", `${container}:${to}`, special);
  return target;
}

/** In docker's words, what is neither a directory nor a file. */
function specialOf(fd: number | undefined): string | undefined {
  const stat = fd === undefined ? undefined : fstatSync(fd);
  if (stat === undefined || stat.isDirectory() || stat.isFile()) return undefined;
  return stat.isCharacterDevice() || stat.isBlockDevice() ? "a device" : "an irregular file";
}

function missingTarget(path: string): CopyTarget {
  return { path: posix.normalize(path), kind: "missing", assertsDirectory: assertsDirectory(path) };
}

function targetIn(tree: FileTree, path: string): CopyTarget | undefined {
  const file = followInTree(tree, path);
  if (file === undefined) return undefined;
  const asserted = assertsDirectory(path);
  if (file.fd === undefined) return { path: file.path, kind: "missing", assertsDirectory: asserted };
  const kind = fstatSync(file.fd).isDirectory() ? "directory" : "other";
  return { path: file.path, kind, assertsDirectory: asserted };
}

/** The real path of the directory to write into. Throws docker's refusals for what is not there or read-only. */
function writableDirectory(
  tree: FileTree,
  { config }: ContainerRecord,
  directory: string,
  container: string,
): string {
  const fd = openInTree(tree, directory, { followLast: true });
  if (fd === undefined) throw missingFile(directory, container);
  if (!fstatSync(fd).isDirectory()) {
    throw new BockerError("extraction point is not a directory", { kind: "conflict" });
  }
  const path = pathInTree(tree, fd);
  const covering = coveringMount(config.mounts, path);
  if (covering === undefined && config.readOnly) throw readOnly("container rootfs is marked read-only");
  if (covering !== undefined && isReadOnly(covering)) throw readOnly("mounted volume is marked read-only");
  return path;
}

/** The mount that a path lies in; of several, the deepest. */
function coveringMount(mounts: readonly MountConfig[], path: string): MountConfig | undefined {
  return mounts
    .filter(({ target }) => path === target || path.startsWith(`${target}/`))
    .toSorted((left, right) => right.target.length - left.target.length)[0];
}

function isReadOnly(mount: MountConfig): boolean {
  return mount.type === "tmpfs" ? mount.options.includes("ro") : mount.readOnly;
}

type OpenTreeFile = TreeFile & { readonly fd: number; readonly idMaps?: IdMaps };

/** A file or tree under a new name; with an empty one the members of a directory by themselves. */
export function* packFile(file: OpenTreeFile, name: string): Generator<Buffer> {
  yield* gather(members(file, name));
}

function* members({ fd, parentFd, name: ownName, idMaps }: OpenTreeFile, name: string) {
  const packer = new EntryPacker(
    idMaps === undefined ? {} : { rewrite: (entry) => ({ ...entry, ...insideIds(idMaps, entry) }) },
  );
  const stat = fstatSync(fd, { bigint: true });
  const latin1 = Buffer.from(name).toString("latin1");
  if (!stat.isDirectory()) {
    const path = `/proc/self/fd/${parentFd}/${Buffer.from(ownName).toString("latin1")}`;
    yield* packer.pack({ name: latin1, path, stat });
  } else {
    const prefix = name === "" ? "./" : `${latin1}/`;
    for (const member of walkTree(fd)) {
      yield* packer.pack({ ...member, name: member.name === "./" ? prefix : prefix + member.name });
    }
  }
  yield tarEndMark;
}

/** Nobody's, where the namespace has no id for the owner, as its processes see it. */
function insideIds(maps: IdMaps, { uid, gid }: Owner): Owner {
  return {
    uid: containerIdOf(maps.uidMappings, uid) ?? overflowId,
    gid: containerIdOf(maps.gidMappings, gid) ?? overflowId,
  };
}

type Owner = Pick<TarEntry, "uid" | "gid">;
/** /proc/sys/kernel/overflowuid as it is everywhere. */
const overflowId = 65534;

class ByteCounter implements Iterable<Buffer> {
  bytes = 0;

  constructor(private readonly pieces: Iterable<Buffer>) {}

  *[Symbol.iterator](): Generator<Buffer> {
    for (const piece of this.pieces) {
      this.bytes += piece.length;
      yield piece;
    }
  }
}

/** As path.resolve, but what stands at the end (`/`, `/.`) keeps its meaning. */
function absolute(path: string, cwd: string): string {
  return path.startsWith("/") ? path : `${cwd}/${path}`;
}

function missingFile(path: string, container: string): BockerError {
  return new BockerError(`Could not find the file ${path} in container ${container}`, { kind: "not-found" });
}

function missingInput(path: string): BockerError {
  const clean = posix.normalize(path);
  return new BockerError(`lstat ${clean}: no such file or directory`, { kind: "not-found" });
}

function missingOutput(directory: string): BockerError {
  return new BockerError(`invalid output path: directory "${directory}" does not exist`, {
    kind: "not-found",
  });
}

/** docker's ValidateOutputPath; it goes on with a pipe, which it then replaces. */
function notWritable(what: string, path: string, found: string): BockerError {
  return new BockerError(`${what} "${path}" must be a directory or a regular file: got ${found}`, {
    kind: "conflict",
  });
}

function readOnly(reason: string): BockerError {
  return new BockerError(reason, { kind: "conflict" });
}

/**
 * What ADD does beyond COPY: archives are unpacked, URLs fetched and repositories checked out into the build's scratch
 * directory; from there they are copied like files of a stage.
 *
 * https://docs.docker.com/reference/dockerfile/#add
 */
import { chmodSync, closeSync, createReadStream, createWriteStream, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { openFlags } from "../../../ffi/flags.ts";
import { BockerError, messageOf } from "../../errors.ts";
import type { CopyRequest } from "../copy/plan-copy.ts";
import { openInSource, type SelectedSource, selectSources } from "../copy/select-sources.ts";
import { DockerfileProblem } from "../dockerfile/dockerfile-error.ts";
import { IgnoreRules } from "../ignore-file.ts";
import type { SourceTree } from "../source-tree.ts";
import type { AddOptions, CopyEffect } from "../stage-state.ts";
import type { ContextDoor } from "./context-door.ts";
import { parseGitRemote } from "./context-name.ts";
import { checkOutGit } from "./git-checkout.ts";
import { unpackTar } from "./open-context.ts";
import { sniffTar } from "./sniff-tar.ts";

type CopySource = CopyRequest["sources"][number];

export interface CopySources extends Disposable {
  readonly sources: readonly CopySource[];
}

/**
 * The trees and paths of a COPY or ADD, in their order; `tree` is the context, or what `--from` names. Disposing closes
 * what was opened for it. Throws DockerfileProblem for what cannot be fetched or unpacked.
 */
export async function openCopySources(
  effect: CopyEffect,
  tree: SourceTree,
  door: ContextDoor,
): Promise<CopySources> {
  const opened: number[] = [];
  const close = () => {
    for (const fd of opened.splice(0)) closeSync(fd);
  };
  const adder = { effect, tree, door, opened };
  try {
    const sources: CopySource[] = [];
    for (const word of effect.sources) {
      const { add } = effect;
      sources.push(...(add === undefined ? [{ tree, path: word }] : await openAdded(adder, word, add)));
    }
    return { sources, [Symbol.dispose]: close };
  } catch (error) {
    close();
    if (!(error instanceof BockerError)) throw error;
    throw new DockerfileProblem(error.message, effect.location, { hint: error.hint });
  }
}

interface Adder {
  readonly effect: CopyEffect;
  readonly tree: SourceTree;
  readonly door: ContextDoor;
  /** Descriptors to close at the end. */
  readonly opened: number[];
}

function openAdded(adder: Adder, word: string, add: AddOptions): Promise<readonly CopySource[]> {
  const remote = located(adder.effect, word, () => parseGitRemote(word));
  if (remote !== undefined) return addRepository(adder, remote, add);
  return /^https?:\/\//i.test(word) ? addUrl(adder, word, add) : addLocal(adder, word, add);
}

async function addRepository(
  { door, effect, opened }: Adder,
  remote: NonNullable<ReturnType<typeof parseGitRemote>>,
  add: AddOptions,
): Promise<readonly CopySource[]> {
  const wanted = add.checksum === undefined ? remote : { ...remote, commit: add.checksum };
  if (add.checksum !== undefined && !/^[0-9a-f]{7,64}$/.test(add.checksum)) {
    throw new DockerfileProblem(`invalid checksum ${JSON.stringify(add.checksum)}`, effect.location, {
      word: add.checksum,
      hint: "of a git source it is the commit",
    });
  }
  const { path } = checkOutGit(wanted, door.scratch.makeDirectory(), {
    keepGitDirectory: add.keepGitDirectory ?? false,
    ...(door.sshSocket === undefined ? {} : { sshSocket: door.sshSocket }),
  });
  return [{ tree: scratchTree(path, remote.url, true, opened), path: "." }];
}

/** One file, mode 0600, under the name that the server or the URL gives it. */
async function addUrl(adder: Adder, url: string, add: AddOptions): Promise<readonly CopySource[]> {
  const { door, opened, effect } = adder;
  const { body, fileName } = await door.fetchUrl(url);
  const directory = door.scratch.makeDirectory();
  const name = safeName(fileName) ?? safeName(nameInUrl(url)) ?? "download";
  const path = join(directory, name);
  const digest = await saveBody(body, path);
  if (add.checksum !== undefined && add.checksum !== digest) {
    throw new DockerfileProblem(`digest mismatch ${digest}: ${add.checksum}`, effect.location, {
      word: add.checksum,
      hint: `${url} is not what the Dockerfile was written for; check it before you change the checksum`,
    });
  }
  chmodSync(path, 0o600);
  if (add.unpack === true) {
    const unpacked = await tryUnpack(createReadStream(path), adder, url);
    if (unpacked !== undefined) return [unpacked];
  }
  return [{ tree: scratchTree(directory, url, true, opened), path: escaped(name) }];
}

async function saveBody(body: AsyncIterable<Uint8Array>, path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  const file = createWriteStream(path, { mode: 0o600 });
  const failed = new Promise<never>((_resolve, reject) => file.once("error", reject));
  failed.catch(() => {});
  for await (const piece of body) {
    hasher.update(piece);
    if (!file.write(piece)) {
      await Promise.race([new Promise((resolve) => file.once("drain", resolve)), failed]);
    }
  }
  await Promise.race([new Promise<void>((resolve) => file.end(resolve)), failed]);
  return `sha256:${hasher.digest("hex")}`;
}

function nameInUrl(url: string): string | undefined {
  const path = URL.parse(url)?.pathname ?? "";
  const last = path.slice(path.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** A server's word must not name a place of ours. */
function safeName(name: string | undefined): string | undefined {
  const last = name?.slice(name.lastIndexOf("/") + 1) ?? "";
  const isName = last !== "" && last !== "." && last !== ".." && Buffer.byteLength(last) <= 255;
  return isName && !last.includes("\0") ? last : undefined;
}

/** Files that are archives are unpacked; anything else is copied. */
async function addLocal(adder: Adder, word: string, add: AddOptions): Promise<readonly CopySource[]> {
  const { tree, effect } = adder;
  const whole = [{ tree, path: word }];
  if (add.unpack === false) return whole;
  const found = located(effect, word, () => selectSources(tree, word));
  const sources: CopySource[] = [];
  let isAnyUnpacked = false;
  for (const source of found) {
    const unpacked = await unpackFile(adder, source);
    isAnyUnpacked ||= unpacked !== undefined;
    sources.push(unpacked ?? { tree, path: escaped(source.path) });
  }
  return isAnyUnpacked ? sources : whole;
}

async function unpackFile(adder: Adder, source: SelectedSource): Promise<CopySource | undefined> {
  if (source.isDirectory) return undefined;
  const flags = openFlags.O_RDONLY | openFlags.O_NONBLOCK | openFlags.O_CLOEXEC;
  const fd = openInSource(adder.tree, source.realPath, flags);
  if (fd === undefined) return undefined;
  if (!fstatSync(fd).isFile()) {
    closeSync(fd);
    return undefined;
  }
  return tryUnpack(createReadStream("", { fd }), adder, source.path);
}

/** undefined: it is no tar. Its files keep their owners. */
async function tryUnpack(
  bytes: AsyncIterable<Uint8Array>,
  { door, opened, effect }: Adder,
  label: string,
): Promise<CopySource | undefined> {
  const sniffed = await sniffTar(bytes).catch((error) => {
    // What only begins like something compressed is a file like any other.
    if (error instanceof BockerError && error.kind === "corrupt") return undefined;
    throw error;
  });
  if (sniffed?.isTar !== true) return undefined;
  const directory = door.scratch.makeDirectory();
  try {
    await unpackTar(sniffed.body, directory);
  } catch (error) {
    if (!(error instanceof BockerError)) throw error;
    throw new DockerfileProblem(`cannot unpack ${JSON.stringify(label)}: ${error.message}`, effect.location, {
      word: label,
    });
  }
  return { tree: { ...scratchTree(directory, label, false, opened), isArchive: true }, path: "." };
}

function scratchTree(path: string, label: string, isContext: boolean, opened: number[]): SourceTree {
  const root = openSync(path, openFlags.O_RDONLY | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC);
  opened.push(root);
  return { root, ignore: new IgnoreRules(), label, isContext };
}

/** A name that was found, as a word that names it and nothing else. */
function escaped(name: string): string {
  return name.replace(/[\\*?[]/g, "\\$&");
}

function located<T>(effect: CopyEffect, word: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof DockerfileProblem) throw error;
    throw new DockerfileProblem(messageOf(error), effect.location, { word });
  }
}

/**
 * Opens a build context, wherever it is: its tree, what .dockerignore leaves out of it, and the Dockerfile.
 *
 * A directory is read where it lies, and only what COPY names of it. What comes through standard input or from elsewhere is
 * unpacked into the build's scratch directory first, by a process that sees nothing but that.
 */
import { closeSync, openSync, statSync } from "node:fs";
import { openFlags } from "../../../ffi/flags.ts";
import { BockerError, messageOf } from "../../errors.ts";
import { writeArchive } from "../../storage/write-archive.ts";
import { IgnoreRules } from "../ignore-file.ts";
import type { SourceTree } from "../source-tree.ts";
import type { BuildScratch } from "./build-scratch.ts";
import type { ContextDoor } from "./context-door.ts";
import { type ContextName, parseContextName } from "./context-name.ts";
import {
  type DockerfileText,
  loadDockerfile,
  loadIgnoreRules,
  readIgnoreFile,
  readLimited,
} from "./dockerfile-source.ts";
import { checkOutGit } from "./git-checkout.ts";
import { sniffTar } from "./sniff-tar.ts";

export interface OpenedContext extends Disposable {
  readonly tree: SourceTree;
  readonly dockerfile: DockerfileText;
  /** Of the commit that was checked out, seconds since the epoch; undefined: the context is no git URL. */
  readonly commitSeconds: number | undefined;
}

export interface ContextOptions {
  /** What -f said. */
  readonly file?: string | undefined;
  /** A file of the host in place of the context's .dockerignore. */
  readonly ignoreFile?: string | undefined;
  /** A checked out repository keeps its .git. */
  readonly keepsGit?: boolean;
}

/**
 * `word` is the context as it was typed. Throws docker's phrases: kinds `not-found`, `invalid-config`,
 * `unreachable`, `usage`.
 */
export async function openContext(
  word: string,
  { file, ignoreFile, keepsGit = false }: ContextOptions,
  door: ContextDoor,
): Promise<OpenedContext> {
  const name = readName(word);
  if (name.kind === "stdin" && file === "-") {
    throw new BockerError("invalid argument: can't use stdin for both build context and dockerfile", {
      kind: "usage",
    });
  }
  const place = await materialize(name, door, keepsGit);
  const root = openRoot(place.path, word);
  try {
    const isLocal = name.kind === "directory";
    const dockerfile = place.text ?? (await loadDockerfile({ root, path: place.path, file, isLocal }, door));
    return {
      tree: {
        root,
        ignore: ignoreOf(root, ignoreFile, place.text === undefined ? dockerfile : undefined),
        label: isLocal ? place.path : "context",
        isContext: true,
      },
      dockerfile,
      commitSeconds: place.commitSeconds,
      [Symbol.dispose]: () => closeSync(root),
    };
  } catch (error) {
    closeSync(root);
    throw error;
  }
}

/** A tree of `--build-context name=WORD` that is no image: without a Dockerfile, and with its own .dockerignore. */
export async function openNamedContext(
  word: string,
  door: ContextDoor,
): Promise<Pick<OpenedContext, "tree"> & Disposable> {
  const place = await materialize(readName(word), door);
  const root = openRoot(place.path, word);
  try {
    const ignore = loadIgnoreRules(root, undefined);
    return {
      tree: { root, ignore, label: word, isContext: true },
      [Symbol.dispose]: () => closeSync(root),
    };
  } catch (error) {
    closeSync(root);
    throw error;
  }
}

/** `dockerfile` undefined: the context is nothing else, and has no ignore file. */
function ignoreOf(
  root: number,
  ignoreFile: string | undefined,
  dockerfile: DockerfileText | undefined,
): IgnoreRules {
  if (ignoreFile !== undefined) return readIgnoreFile(ignoreFile);
  return dockerfile === undefined ? new IgnoreRules() : loadIgnoreRules(root, dockerfile);
}

function readName(word: string): ContextName {
  try {
    return parseContextName(word);
  } catch (error) {
    throw unprepared(`${JSON.stringify(word)}: ${messageOf(error)}`, "usage");
  }
}

interface Place {
  readonly path: string;
  /** Where the whole context is a Dockerfile and nothing else. */
  readonly text?: DockerfileText;
  readonly commitSeconds?: number;
}

async function materialize(name: ContextName, door: ContextDoor, keepsGit = false): Promise<Place> {
  switch (name.kind) {
    case "directory":
      return { path: checkDirectory(name.path) };
    case "git": {
      const { scratch, sshSocket } = door;
      const checkout = checkOutGit(name.remote, scratch.makeDirectory(), {
        keepGitDirectory: keepsGit,
        ...(sshSocket === undefined ? {} : { sshSocket }),
      });
      return { path: checkout.path, commitSeconds: checkout.seconds };
    }
    case "stdin":
      return unpack(door.openStdin(), door.scratch, "-");
    case "url":
      return unpack((await door.fetchUrl(name.url)).body, door.scratch, name.url);
  }
}

/** A tar becomes the context; any other bytes are the Dockerfile, and the context is empty. */
async function unpack(
  bytes: AsyncIterable<Uint8Array>,
  scratch: BuildScratch,
  label: string,
): Promise<Place> {
  const path = scratch.makeDirectory();
  const { isTar, body } = await sniffTar(bytes);
  if (!isTar)
    return {
      path,
      text: { text: await readLimited(body, label), label: "Dockerfile", ignoreBeside: undefined },
    };
  await unpackTar(body, path);
  return { path };
}

/** Into an empty directory. Throws kind `corrupt` for members that would climb out of it. */
export async function unpackTar(body: AsyncIterable<Uint8Array>, directory: string): Promise<void> {
  const rootFd = openSync(directory, openFlags.O_RDONLY | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC);
  try {
    await writeArchive(body, { rootFd, directory: "/", keepOwner: true });
  } finally {
    closeSync(rootFd);
  }
}

function checkDirectory(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return path;
  const hint = stat === undefined ? undefined : "it is a file: a Dockerfile is named with -f";
  throw unprepared(`path ${JSON.stringify(path)} not found`, "not-found", hint);
}

function openRoot(path: string, word: string): number {
  try {
    return openSync(path, openFlags.O_RDONLY | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC);
  } catch (error) {
    throw unprepared(`can't open ${JSON.stringify(word)}: ${messageOf(error)}`, "not-found");
  }
}

function unprepared(reason: string, kind: "not-found" | "usage", hint?: string): BockerError {
  return new BockerError(`unable to prepare context: ${reason}`, {
    kind,
    ...(hint === undefined ? {} : { hint }),
  });
}

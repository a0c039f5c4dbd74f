/**
 * Where the Dockerfile and its .dockerignore are read from: beside the context, in it, standard input or a server.
 *
 * In a context that others made, a path is followed inside of it and never out of it.
 */
import { closeSync, createReadStream, readFileSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { openat2 } from "../../../ffi/file.ts";
import { openFlags, resolveFlags } from "../../../ffi/flags.ts";
import { isErrno } from "../../../ffi/syscall-error.ts";
import { BockerError, messageOf } from "../../errors.ts";
import { type IgnoreRules, parseIgnoreFile } from "../ignore-file.ts";
import type { ContextDoor } from "./context-door.ts";

export interface DockerfileText {
  readonly text: string;
  /** For messages: the path as the user knows it. */
  readonly label: string;
  /** What `.dockerignore` is added to for the file's own ignore file: a path of the host, or one inside the context. */
  readonly ignoreBeside: { readonly path: string; readonly inContext: boolean } | undefined;
}

export interface DockerfilePlace {
  /** Descriptor of the context's directory. */
  readonly root: number;
  readonly path: string;
  /** What -f said. */
  readonly file: string | undefined;
  /** The context is a directory of this machine: -f may name a file outside. */
  readonly isLocal: boolean;
}

/** A Dockerfile is text that somebody wrote. */
const maxBytes = 16 << 20;
const usualNames = ["Dockerfile", "dockerfile", "Containerfile"] as const;

/** Throws docker's `failed to read dockerfile: open X: no such file or directory`. */
export async function loadDockerfile(
  place: DockerfilePlace,
  door: Pick<ContextDoor, "fetchUrl" | "openStdin">,
): Promise<DockerfileText> {
  const { file, root, isLocal } = place;
  if (file === "-") {
    return { text: await readLimited(door.openStdin(), "-"), label: "Dockerfile", ignoreBeside: undefined };
  }
  if (file !== undefined && /^https?:\/\//i.test(file)) {
    const { body } = await door.fetchUrl(file);
    return { text: await readLimited(body, file), label: file, ignoreBeside: undefined };
  }
  if (file !== undefined && file !== "" && isLocal) return loadNamed(file, place.path);
  return loadInside(root, file === undefined || file === "" ? usualNames : [file]);
}

/** As the shell that typed it means it; else below the context. */
async function loadNamed(file: string, context: string): Promise<DockerfileText> {
  const inside = join(context, file);
  const isThere = statSync(file, { throwIfNoEntry: false }) !== undefined;
  const path =
    isThere || isAbsolute(file) || statSync(inside, { throwIfNoEntry: false }) === undefined ? file : inside;
  try {
    const text = await readLimited(createReadStream(path), path);
    return { text, label: file, ignoreBeside: { path, inContext: false } };
  } catch (error) {
    throw error instanceof BockerError ? error : unreadable(file, error);
  }
}

function loadInside(root: number, names: readonly string[]): DockerfileText {
  for (const name of names) {
    const text = readInside(root, name);
    if (text !== undefined) return { text, label: name, ignoreBeside: { path: name, inContext: true } };
  }
  throw new BockerError(`failed to read dockerfile: open ${names[0]}: no such file or directory`, {
    kind: "not-found",
    hint: "a file of another name is named with -f",
  });
}

/** `Dockerfile.dockerignore` beside the Dockerfile wins over the context's own. */
export function loadIgnoreRules(root: number, dockerfile: DockerfileText | undefined): IgnoreRules {
  const beside = dockerfile?.ignoreBeside;
  const own =
    beside === undefined ? undefined : readBeside(root, `${beside.path}.dockerignore`, beside.inContext);
  if (own !== undefined && beside !== undefined) return parseIgnoreFile(own, `${beside.path}.dockerignore`);
  for (const name of [".dockerignore", ".containerignore"]) {
    const text = readInside(root, name);
    if (text !== undefined) return parseIgnoreFile(text, name);
  }
  return parseIgnoreFile("", ".dockerignore");
}

/** `--ignorefile`: a file of the host. Throws kind `not-found` where it cannot be read. */
export function readIgnoreFile(path: string): IgnoreRules {
  try {
    return parseIgnoreFile(readFileSync(path, "utf8"), path);
  } catch (error) {
    if (error instanceof BockerError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new BockerError(`cannot read the ignore file ${path}: ${reasons[code] ?? messageOf(error)}`, {
      kind: "not-found",
    });
  }
}

function readBeside(root: number, path: string, inContext: boolean): string | undefined {
  if (inContext) return readInside(root, path);
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, "utf8") : undefined;
}

/**
 * undefined: nothing of that name is there. What it is gets asked before it is opened: an archive may have a device there,
 * which has no end.
 */
function readInside(root: number, path: string): string | undefined {
  const { RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } = resolveFlags;
  try {
    const flags = openFlags.O_PATH | openFlags.O_CLOEXEC;
    const fd = openat2(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    try {
      return readOpen(`/proc/self/fd/${fd}`, path);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error instanceof BockerError ? error : unreadable(path, error);
  }
}

function readOpen(link: string, path: string): string {
  const stat = statSync(link);
  if (stat.size > maxBytes) throw tooLarge(path);
  if (!stat.isFile() && !stat.isDirectory()) throw unreadable(path, new Error("not a regular file"));
  return readFileSync(link, "utf8");
}

/** UTF-8 text of bytes that should not be many. */
export async function readLimited(bytes: AsyncIterable<Uint8Array>, label: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of bytes) {
    length += piece.byteLength;
    if (length > maxBytes) throw tooLarge(label);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

function tooLarge(label: string): BockerError {
  return new BockerError(`failed to read dockerfile: ${label} is larger than ${maxBytes >> 20} MiB`, {
    kind: "invalid-config",
  });
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EISDIR: "is a directory",
  EACCES: "permission denied",
  ENOTDIR: "not a directory",
};

function unreadable(path: string, error: unknown): BockerError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return new BockerError(`failed to read dockerfile: open ${path}: ${reasons[code] ?? messageOf(error)}`, {
    kind: "not-found",
  });
}

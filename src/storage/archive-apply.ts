/**
 * The writing process of `cp`, `bocker archive-apply ORDER`: reads a tar from stdin, becomes a resident of the tree it
 * writes into by chroot, and writes the members there. Whatever links the archive or the tree hold, nothing outside can be
 * reached. One line of JSON on stdout tells how it ended. Dies with its parent.
 */
import { createReadStream, type Stats, writeSync } from "node:fs";
import { posix } from "node:path";
import { chroot, umask } from "../../ffi/file.ts";
import { prctlOptions } from "../../ffi/flags.ts";
import { prctl, SECBIT_NO_SETUID_FIXUP, setFsIds } from "../../ffi/process.ts";
import { BockerError } from "../errors.ts";
import { hostIdOf, type IdMaps } from "../security/id-map.ts";
import { decompress } from "./decompress.ts";
import { type ErrorMessage, toErrorMessage } from "./layer-message.ts";
import { LayerWriter } from "./layer-writer.ts";
import type { TarEntry } from "./tar-entry.ts";
import { TarReader } from "./tar-reader.ts";

const SIGKILL = 9;
const readBytes = 512 * 1024;

export interface ArchiveOrder {
  /** A path of the host that leads to the tree: a descriptor of the parent, as /proc names it. */
  readonly root: string;
  /** Below it, absolute and without links; members are written here. */
  readonly directory: string;
  /** False: what is written belongs to root. */
  readonly keepOwner: boolean;
  /** The tree's files have the host's ids of these, and so get those. */
  readonly idMaps?: IdMaps;
}

export type ArchiveReply = { readonly done: true } | { readonly error: ErrorMessage };

/** Does what `argv` orders; the exit code is 0 when everything was written. */
export async function runArchiveApply(argv: readonly string[]): Promise<number> {
  try {
    prctl(prctlOptions.PR_SET_PDEATHSIG, SIGKILL);
    await apply(JSON.parse(argv[0] ?? "") as ArchiveOrder);
    say({ done: true });
    return 0;
  } catch (error) {
    say({ error: toErrorMessage(error) });
    return 1;
  }
}

async function apply(order: ArchiveOrder): Promise<void> {
  const input = createReadStream("", { fd: 0, highWaterMark: readBytes });
  const plain = decompress(input)[Symbol.asyncIterator]();
  // Before the chroot, since it may start a program: xz.
  let next = await plain.next();
  chroot(order.root);
  process.chdir(order.directory);
  umask(0);
  if (order.idMaps !== undefined) becomeRootOf(order.idMaps);
  const writer = new LayerWriter({
    keepOwner: order.keepOwner,
    ...(order.idMaps && { idMaps: order.idMaps }),
    replaces: (path, existing, entry) => checkReplacement(posix.join(order.directory, path), existing, entry),
  });
  const reader = new TarReader(writer);
  for (; next.done !== true; next = await plain.next()) reader.write(next.value);
  reader.end();
  writer.finish();
}

/** For good: the host's root has no id in an id-mapped tree and could make no file there. */
function becomeRootOf({ uidMappings, gidMappings }: IdMaps): void {
  const bits = prctl(prctlOptions.PR_GET_SECUREBITS, 0);
  prctl(prctlOptions.PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP);
  setFsIds(hostIdOf(uidMappings, 0) ?? 0, hostIdOf(gidMappings, 0) ?? 0);
}

/** docker's rule: a directory stays one, and nothing else becomes one. */
function checkReplacement(path: string, existing: Stats, entry: TarEntry): void {
  const becomesDirectory = entry.kind === "directory";
  if (existing.isDirectory() === becomesDirectory) return;
  const [from, to] = becomesDirectory ? ["non-directory", "directory"] : ["directory", "non-directory"];
  throw new BockerError(`cannot overwrite ${from} ${JSON.stringify(path)} with ${to}`, { kind: "conflict" });
}

function say(reply: ArchiveReply): void {
  writeSync(1, `${JSON.stringify(reply)}\n`);
}

/**
 * Writes a tar into a tree through the process of archive-apply.ts, which sees nothing but that tree.
 */

import { BockerError, messageOf } from "../errors.ts";
import { startCommand } from "../host/run-command.ts";
import { selfCommand } from "../host/self-command.ts";
import type { ArchiveOrder, ArchiveReply } from "./archive-apply.ts";
import { fromErrorMessage } from "./layer-message.ts";

export interface ArchiveTarget extends Pick<ArchiveOrder, "directory" | "keepOwner" | "idMaps"> {
  /** Descriptor of the tree's root; the caller's. */
  readonly rootFd: number;
}

/** Standard input, or the archive's bytes as they are made. */
export type ArchiveInput = "stdin" | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Unpacks the archive. Throws what the process found wrong; what was written by then stays, as with tar(1). */
export async function writeArchive(input: ArchiveInput, target: ArchiveTarget): Promise<void> {
  const order: ArchiveOrder = {
    root: `/proc/${process.pid}/fd/${target.rootFd}`,
    directory: target.directory,
    keepOwner: target.keepOwner,
    ...(target.idMaps && { idMaps: target.idMaps }),
  };
  const argv = selfCommand("archive-apply", JSON.stringify(order));
  if (input === "stdin") {
    await collect(startCommand(argv, { stdin: 0, stdout: "pipe", stderr: "pipe" }));
    return;
  }
  const child = startCommand(argv, { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  const feeding = feed(child.stdin, input);
  // Heard below; what the child says comes first.
  feeding.catch(() => {});
  await collect(child);
  await feeding;
}

/** Stops early without an error when the child no longer reads: it has said why. */
async function feed(
  stdin: Bun.FileSink,
  input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  try {
    for await (const chunk of input) {
      try {
        await stdin.write(chunk);
        await stdin.flush();
      } catch {
        return;
      }
    }
  } finally {
    await Promise.resolve(stdin.end()).catch(() => {});
  }
}

interface WritingChild {
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exited: Promise<number>;
}

async function collect(child: WritingChild): Promise<void> {
  const [said, complaint, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const reply = parseReply(said);
  if (reply !== undefined && "error" in reply) throw fromErrorMessage(reply.error);
  if (reply !== undefined && exitCode === 0) return;
  const last = complaint.trim().split("\n").at(-1) ?? "";
  throw new BockerError(
    `the writing process failed (exit code ${exitCode})${last === "" ? "" : `: ${last}`}`,
  );
}

function parseReply(text: string): ArchiveReply | undefined {
  try {
    return JSON.parse(text) as ArchiveReply;
  } catch (error) {
    if (text.trim() === "") return undefined;
    throw new BockerError(`unexpected answer of the writing process: ${messageOf(error)}`);
  }
}

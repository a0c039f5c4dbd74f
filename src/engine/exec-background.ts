/**
 * `exec -d`, the user's side: a command whose end nobody waits for, started by a process of its own (exec-keeper.ts).
 *
 *   bocker exec -d ── request, a line of JSON ──▶ bocker exec-keeper ── parent of ──▶ the command
 *          ◀── an answer, and the end of the channel ──┘
 */
import { closeQuietly, read, writeAll } from "../../ffi/file.ts";
import { socketpair } from "../../ffi/socket.ts";
import { BockerError } from "../errors.ts";
import { selfCommand } from "../host/self-command.ts";
import { spawnDetached } from "../host/spawn-detached.ts";
import { fromWireError, type WireError } from "../monitor/protocol.ts";
import type { ExecRequest } from "./exec-container.ts";

/** Where a keeper finds its end of the socket pair. */
export const keeperChannelFd = 3;

export type KeeperAnswer = { readonly execId: string } | { readonly error: WireError };

/** Starts it and returns once it runs. Settings reach the keeper as variables. Throws as execInContainer does. */
export function execInBackground(request: ExecRequest): void {
  const [ours, theirs] = socketpair();
  try {
    spawnDetached(selfCommand("exec-keeper"), { stdio: ["ignore", "ignore", "ignore", theirs] });
    closeQuietly(theirs);
    writeAll(ours, Buffer.from(`${JSON.stringify(request)}\n`));
    const text = readUntil(ours, () => false);
    if (text === "")
      throw new BockerError("cannot start the process: its keeper was killed", { kind: "host" });
    const answer = JSON.parse(text) as KeeperAnswer;
    if ("error" in answer) throw fromWireError(answer.error);
  } finally {
    closeQuietly(ours);
  }
}

/** What comes on a channel until `isEnough` says so of the last chunk, or the other side closes it. Blocks. */
export function readUntil(fd: number, isEnough: (chunk: Uint8Array) => boolean): string {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const buffer = Buffer.alloc(16 * 1024);
    const chunk = buffer.subarray(0, read(fd, buffer));
    if (chunk.byteLength === 0) break;
    chunks.push(chunk);
    if (isEnough(chunk)) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

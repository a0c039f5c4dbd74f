/**
 * Reads init's status pipe, a record at a time, without holding up the event loop for long.
 *
 * Between go and execve lie microseconds, so it first waits in the kernel; a child that takes longer (a slow file
 * system, a hook of the engine) is polled between turns of the loop.
 */
import { close, POLLHUP, POLLIN, poll, read } from "../../ffi/file.ts";
import { statusKind, statusRecordBytes } from "../../ffi/tape.ts";

export interface StatusRecord {
  readonly kind: keyof typeof statusKind;
  readonly index: number;
  readonly errno: number;
  readonly detail: number;
}

const patienceMs = 5;
const turnMs = 1;

export class StatusReader {
  readonly #fd: number;
  /** Of a forked child that wrote before its parent. */
  readonly #early: StatusRecord[] = [];

  /** Takes over the read end of the pipe. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * The next record; undefined at the end: all of the child's copies of the pipe are closed, or the process that writes,
   * `writerPidfd`, has ended. A child that it has forked and not told of may hold a copy and wait for ever.
   */
  async next(writerPidfd?: number): Promise<StatusRecord | undefined> {
    return this.#early.shift() ?? this.#read(writerPidfd);
  }

  /**
   * The record of a fork, or at the end what else the process said. It and its child write to one pipe, and who of them
   * comes first is the scheduler's to say: what the child says before is kept for next().
   */
  async nextForked(writerPidfd: number): Promise<StatusRecord | undefined> {
    for (;;) {
      const record = await this.#read(writerPidfd);
      if (record === undefined) return this.#early.shift();
      if (record.kind === "forked") return record;
      this.#early.push(record);
    }
  }

  async #read(writerPidfd?: number): Promise<StatusRecord | undefined> {
    while (!this.#answers(patienceMs)) {
      if (writerPidfd !== undefined && hasEnded(writerPidfd) && !this.#answers(0)) return undefined;
      await Bun.sleep(turnMs);
    }
    const buffer = new Uint8Array(statusRecordBytes);
    const got = read(this.#fd, buffer);
    // Records are far smaller than PIPE_BUF: they arrive whole or not at all.
    if (got < statusRecordBytes) return undefined;
    const view = new DataView(buffer.buffer);
    return {
      kind: kindOf(view.getUint32(0, true)),
      index: view.getUint32(4, true),
      errno: view.getInt32(8, true),
      detail: view.getInt32(12, true),
    };
  }

  /** Whether next() would answer at once. */
  pending(): boolean {
    return this.#early.length > 0 || this.#answers(0);
  }

  #answers(timeoutMs: number): boolean {
    return (poll(this.#fd, POLLIN, timeoutMs) & (POLLIN | POLLHUP)) !== 0;
  }

  close(): void {
    close(this.#fd);
  }
}

/** A pidfd is readable once its process has exited; see pidfd_open(2). */
function hasEnded(pidfd: number): boolean {
  return (poll(pidfd, POLLIN, 0) & POLLIN) !== 0;
}

function kindOf(number: number): keyof typeof statusKind {
  if (number === statusKind.forked) return "forked";
  if (number === statusKind.reached) return "reached";
  return number === statusKind.ready ? "ready" : "failed";
}

/** What init's processes say over one pipe, in whatever order the scheduler lets them. */
import { describe, expect, test } from "bun:test";
import { writeSync } from "node:fs";
import { close, pipe2 } from "../../../ffi/file.ts";
import { pidfd_open } from "../../../ffi/process.ts";
import { statusKind, statusRecordBytes } from "../../../ffi/tape.ts";
import { StatusReader } from "../../../src/runtime/status-reader.ts";

function recordOf(kind: number, detail: number): Uint8Array {
  const bytes = new Uint8Array(statusRecordBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, kind, true);
  view.setInt32(12, detail, true);
  return bytes;
}

/** A reader of what was written by a process that has ended. */
async function readerOf(...records: readonly Uint8Array[]) {
  const [readEnd, writeEnd] = pipe2(0);
  for (const record of records) writeSync(writeEnd, record);
  const process = Bun.spawn(["sleep", "60"]);
  const pidfd = pidfd_open(process.pid);
  process.kill("SIGKILL");
  await process.exited;
  const reader = new StatusReader(readEnd);
  return {
    reader,
    pidfd,
    [Symbol.dispose]() {
      reader.close();
      close(writeEnd);
      close(pidfd);
    },
  };
}

describe("a fork", () => {
  test("is found after what the child said first, which is not lost", async () => {
    using made = await readerOf(recordOf(statusKind.ready, 0), recordOf(statusKind.forked, 77));
    expect(await made.reader.nextForked(made.pidfd)).toMatchObject({ kind: "forked", detail: 77 });
    expect(made.reader.pending()).toBe(true);
    expect(await made.reader.next(made.pidfd)).toMatchObject({ kind: "ready" });
    expect(await made.reader.next(made.pidfd)).toBeUndefined();
  });

  test("that failed is told as what failed", async () => {
    using made = await readerOf(recordOf(99, 5));
    expect(await made.reader.nextForked(made.pidfd)).toMatchObject({ kind: "failed", detail: 5 });
  });

  test("of a process that ended without a word has none", async () => {
    using made = await readerOf();
    expect(await made.reader.nextForked(made.pidfd)).toBeUndefined();
  });
});

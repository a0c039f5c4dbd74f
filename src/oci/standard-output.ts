/**
 * Writing to standard output, whole: what callers parse.
 */
import { writeAll } from "../../ffi/file.ts";

/** The text and a line end. Throws SyscallError EPIPE where nobody reads. */
export function printLine(text: string): void {
  writeAll(1, Buffer.from(`${text}\n`));
}

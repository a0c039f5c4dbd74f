/**
 * Small files of the kernel: read them, or find that they are not there.
 */
import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";

/** The text, or undefined when the file or its cgroup is gone or the kernel has no such file. */
export function tryReadFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENODEV", "ENOTDIR", "EOPNOTSUPP")) return undefined;
    throw error;
  }
}

/** One write(2); false when the file, its cgroup, or the process written of is gone. */
export function tryWriteFile(path: string, data: string): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_WRONLY);
    writeSync(fd, data);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENODEV", "ENOTDIR", "ESRCH")) return false;
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Does the error carry one of these errno names? */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** The names in a directory that is held open, and that somebody else may have removed since: nothing is in it then. */
import { readdirSync } from "node:fs";

/** Bytes, for the names of a container need not be UTF-8; without `.` and `..`. */
export function directoryNames(fd: number): Buffer[] {
  try {
    return readdirSync(`/proc/self/fd/${fd}`, { encoding: "buffer" }).map((name) => Buffer.from(name));
  } catch (error) {
    // getdents(2): "No such directory", of one without a name.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

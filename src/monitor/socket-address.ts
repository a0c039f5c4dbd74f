/**
 * Binding and connecting unix sockets whose path is longer than the 108 bytes of sockaddr_un (unix(7)).
 *
 * A container's socket path has 64 hex digits in it, and the runtime root can be anywhere. A long path is reached
 * through a descriptor of its folder: /proc/self/fd/N/attach.sock.
 */
import { closeSync, openSync } from "node:fs";
import { basename, dirname } from "node:path";
import { openFlags } from "../../ffi/flags.ts";

/** sun_path with its NUL. */
const addressBytes = 108;

/** Runs `use` with a path that fits; the folder must exist. */
export async function withSocketAddress<Result>(
  path: string,
  use: (address: string) => Result | Promise<Result>,
): Promise<Result> {
  if (Buffer.byteLength(path) < addressBytes) return use(path);
  const folder = openSync(dirname(path), openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC);
  try {
    return await use(`/proc/self/fd/${folder}/${basename(path)}`);
  } finally {
    closeSync(folder);
  }
}

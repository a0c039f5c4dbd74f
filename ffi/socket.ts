/**
 * socketpair(2), for talking to a child over one descriptor each way.
 */
import { addressFamilies, socketTypes } from "./flags.ts";
import { syscall } from "./libc.ts";

const { AF_UNIX } = addressFamilies;
const { SOCK_STREAM, SOCK_CLOEXEC } = socketTypes;

/** socketpair(2) of AF_UNIX, close-on-exec. The caller owns both. */
export function socketpair(type: number = SOCK_STREAM): readonly [number, number] {
  const pair = new Int32Array(2);
  syscall("socketpair", [AF_UNIX, type | SOCK_CLOEXEC, 0, new Uint8Array(pair.buffer)]);
  return [pair[0] ?? -1, pair[1] ?? -1];
}

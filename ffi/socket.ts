/**
 * socketpair(2), for talking to a child over one descriptor each way.
 */
import { syscall } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_CLOEXEC = 0o2000000;

/** Socket types that are used here. */
export const socketType = { SOCK_STREAM: 1, SOCK_DGRAM: 2, SOCK_SEQPACKET: 5 } as const;

/** socketpair(2) of AF_UNIX, close-on-exec. The caller owns both. */
export function socketpair(type: number = socketType.SOCK_STREAM): readonly [number, number] {
  const pair = new Int32Array(2);
  syscall("socketpair", [AF_UNIX, type | SOCK_CLOEXEC, 0, new Uint8Array(pair.buffer)]);
  return [pair[0] ?? -1, pair[1] ?? -1];
}

/**
 * AF_UNIX stream sockets by path, and passing descriptors over them. See unix(7), sendmsg(2), cmsg(3).
 */
import { close } from "./file.ts";
import { addressFamilies, SOL_SOCKET, socketTypes } from "./flags.ts";
import { addressOf, syscall, syscallUninterrupted } from "./libc.ts";

const { AF_UNIX } = addressFamilies;
const { SOCK_STREAM, SOCK_CLOEXEC } = socketTypes;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;

/** struct sockaddr_un: u16 sun_family @0, char sun_path[108] @2; 110 bytes. */
export const sockaddrUnBytes = 110;

/**
 * struct msghdr: void *msg_name @0, u32 msg_namelen @8, struct iovec *msg_iov @16, size_t msg_iovlen @24, void
 * *msg_control @32, size_t msg_controllen @40, int msg_flags @48; 56 bytes. struct iovec: base @0, len @8.
 */
export const msghdrBytes = 56;

/** struct cmsghdr: size_t cmsg_len @0, int cmsg_level @8, int cmsg_type @12; the data @16. */
export const cmsghdrBytes = 16;

/** socket(2) and connect(2). Close-on-exec; the caller's. Throws RangeError for a path that does not fit (107 bytes). */
export function connectUnix(path: string): number {
  const address = new Uint8Array(sockaddrUnBytes);
  const name = new TextEncoder().encode(path);
  if (name.byteLength > sockaddrUnBytes - 3) throw new RangeError(`socket path too long: ${path}`);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  const fd = syscall("socket", [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0]);
  try {
    syscallUninterrupted("connect", [fd, address, 2 + name.byteLength + 1], () => JSON.stringify(path));
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** sendmsg(2) with SCM_RIGHTS: the data, at least a byte, and copies of these descriptors. */
export function sendDescriptors(socket: number, data: Uint8Array, fds: readonly number[]): void {
  const padded = (4 * fds.length + 7) & ~7;
  const control = new DataView(new ArrayBuffer(cmsghdrBytes + padded));
  control.setBigUint64(0, BigInt(cmsghdrBytes + 4 * fds.length), true);
  control.setInt32(8, SOL_SOCKET, true);
  control.setInt32(12, SCM_RIGHTS, true);
  for (const [index, fd] of fds.entries()) control.setInt32(cmsghdrBytes + 4 * index, fd, true);
  const controlBytes = new Uint8Array(control.buffer);
  const vector = new Uint8Array(new BigUint64Array([addressOf(data), BigInt(data.byteLength)]).buffer);
  const message = new DataView(new ArrayBuffer(msghdrBytes));
  message.setBigUint64(16, addressOf(vector), true);
  message.setBigUint64(24, 1n, true);
  message.setBigUint64(32, addressOf(controlBytes), true);
  message.setBigUint64(40, BigInt(controlBytes.byteLength), true);
  // Named so that the buffers the struct points at outlive the call.
  const held = [data, vector, controlBytes];
  syscallUninterrupted("sendmsg", [socket, new Uint8Array(message.buffer), MSG_NOSIGNAL], () => {
    return `${socket}, {SCM_RIGHTS, [${fds.join(", ")}]}, ${held.length} buffers`;
  });
}

/**
 * Files without a name: memfd_create and its seals. See memfd_create(2), fcntl(2).
 */
import { close, writeAll } from "./file.ts";
import { fcntlCommands, memfdFlags, sealFlags } from "./flags.ts";
import { syscall, trySyscall } from "./libc.ts";

const { F_ADD_SEALS, F_GET_SEALS } = fcntlCommands;
const EINVAL = 22;

/** memfd_create(2), close-on-exec. `name` shows in /proc/PID/fd as `memfd:name`. */
export function memfd_create(name: string, flags: number): number {
  return syscall("memfd_create", [name, flags | memfdFlags.MFD_CLOEXEC]);
}

/** fcntl(2) F_ADD_SEALS. EBUSY: somebody has it mapped for writing. */
export function addSeals(fd: number, seals: number): void {
  syscall("fcntl", [fd, F_ADD_SEALS, seals], () => `${fd}, F_ADD_SEALS, ${seals}`);
}

/** fcntl(2) F_GET_SEALS. */
export function getSeals(fd: number): number {
  return syscall("fcntl", [fd, F_GET_SEALS], () => `${fd}, F_GET_SEALS`);
}

/**
 * A memfd holding `data` that nobody can change any more, not even through /proc/PID/exe (CVE-2019-5736).
 *
 * `executable` asks for MFD_EXEC, which kernels from 6.3 want where vm.memfd_noexec is set and older ones refuse.
 */
export function sealedMemfd(name: string, data: Uint8Array, executable: boolean): number {
  const fd = createMemfd(name, executable);
  try {
    writeAll(fd, data);
    addSeals(
      fd,
      sealFlags.F_SEAL_SEAL | sealFlags.F_SEAL_SHRINK | sealFlags.F_SEAL_GROW | sealFlags.F_SEAL_WRITE,
    );
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

function createMemfd(name: string, executable: boolean): number {
  const flags = memfdFlags.MFD_CLOEXEC | memfdFlags.MFD_ALLOW_SEALING;
  const newer = trySyscall("memfd_create", [name, flags | (executable ? memfdFlags.MFD_EXEC : 0)]);
  return newer === -EINVAL ? memfd_create(name, flags) : newer >= 0 ? newer : memfd_create(name, flags);
}

/**
 * The wrappers against the real kernel, as far as an ordinary user may.
 */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as file from "../../../ffi/file.ts";
import {
  AT_FDCWD,
  atFlags,
  flagBits,
  flagNames,
  mountFlags,
  openFlags,
  resolveFlags,
  sealFlags,
} from "../../../ffi/flags.ts";
import { syscall, trySyscall } from "../../../ffi/libc.ts";
import { addSeals, getSeals, memfd_create, sealedMemfd } from "../../../ffi/memfd.ts";
import { kernelKnows, pidfd_open, pidfd_send_signal, prlimit, waitid } from "../../../ffi/process.ts";
import { socketpair } from "../../../ffi/socket.ts";
import { isErrno, SyscallError } from "../../../ffi/syscall-error.ts";
import { getWindowSize } from "../../../ffi/tty.ts";

function errorOf(action: () => unknown): SyscallError {
  try {
    action();
  } catch (error) {
    if (error instanceof SyscallError) return error;
    throw error;
  }
  throw new Error("it should have failed");
}

describe("libc", () => {
  test("returns what the kernel returned, or its errno", () => {
    expect(syscall("getpid", [])).toBe(process.pid);
    expect(trySyscall("close", [-1])).toBe(-9);
    expect(errorOf(() => syscall("close", [-1])).code).toBe("EBADF");
  });

  test("a string with a NUL byte is refused: the kernel would see another path", () => {
    expect(() => file.openat(AT_FDCWD, "/etc/passwd\0.txt", 0)).toThrow(RangeError);
  });

  test("several strings in one call do not overlap, non-ASCII included", () => {
    using directory = temporaryDirectory();
    file.symlinkat("zïel-→", AT_FDCWD, join(directory.path, "lïnk"));
    expect(readlinkSync(join(directory.path, "lïnk"))).toBe("zïel-→");
  });

  test("arguments that exceed the arena are an error, not memory corruption", () => {
    expect(() => file.openat(AT_FDCWD, "x".repeat(70_000), 0)).toThrow("64 KiB");
  });
});

describe("file", () => {
  test("openat2 keeps a symlink inside the root", () => {
    using directory = temporaryDirectory();
    file.symlinkat("/etc", AT_FDCWD, join(directory.path, "out"));
    const root = file.openat(AT_FDCWD, directory.path, openFlags.O_PATH);
    const error = errorOf(() => file.openat2(root, "out/passwd", 0, resolveFlags.RESOLVE_IN_ROOT));
    expect(error.code).toBe("ENOENT");
    expect(error.message).toContain('"out/passwd", {O_RDONLY, RESOLVE_IN_ROOT}');
    expect(errorOf(() => file.openat2(root, "../x", 0, resolveFlags.RESOLVE_BENEATH)).code).toBe("EXDEV");
    file.close(root);
  });

  test("everything opened is close-on-exec", () => {
    const [readEnd, writeEnd] = file.pipe2();
    const opened = [readEnd, writeEnd, file.openat(AT_FDCWD, "/", 0), memfd_create("t", 0), ...socketpair()];
    for (const fd of opened) {
      expect(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")).toMatch(/flags:\s+0?2\d{6}$/m);
      file.close(fd);
    }
  });

  test("make, rename, link, remove", () => {
    using directory = temporaryDirectory();
    const fd = file.openat(AT_FDCWD, directory.path, openFlags.O_PATH | openFlags.O_DIRECTORY);
    file.mkdirat(fd, "d", 0o700);
    writeFileSync(join(directory.path, "d/f"), "x");
    file.linkat(fd, "d/f", fd, "g");
    file.renameat2(fd, "g", fd, "h");
    file.fchmodat(fd, "h", 0o600);
    expect(readFileSync(join(directory.path, "h"), "utf8")).toBe("x");
    file.unlinkat(fd, "h");
    expect(errorOf(() => file.unlinkat(fd, "d", atFlags.AT_REMOVEDIR)).code).toBe("ENOTEMPTY");
    expect(errorOf(() => file.mkdirat(fd, "d", 0o700)).code).toBe("EEXIST");
    file.close(fd);
  });

  test("poll sees data, the end, and nothing", () => {
    const [readEnd, writeEnd] = file.pipe2();
    expect(file.poll(readEnd, file.POLLIN, 1)).toBe(0);
    file.writeAll(writeEnd, new Uint8Array([7]));
    expect(file.poll(readEnd, file.POLLIN, -1)).toBe(file.POLLIN);
    file.close(writeEnd);
    expect(file.read(readEnd, new Uint8Array(4))).toBe(1);
    expect(file.poll(readEnd, file.POLLIN, 0)).toBe(file.POLLHUP);
    file.closeQuietly(readEnd, undefined, -1);
  });

  test("statfs knows /proc", () => {
    expect(file.statfs("/proc")).toBe(file.fileSystemMagic.PROC_SUPER_MAGIC);
  });

  test.each([
    [{ major: 1, minor: 3 }, 0x103],
    [{ major: 136, minor: 0 }, 0x8800],
    [{ major: 8, minor: 256 }, 0x100800],
    [{ major: 0xfff, minor: 0xfffff }, 0xffffffff],
  ])("device number of %o", (device, number) => {
    expect(file.makedev(device)).toBe(number);
  });
});

describe("memfd", () => {
  test("a sealed one cannot be written, grown or unsealed", () => {
    const fd = sealedMemfd("test", new TextEncoder().encode("text"), true);
    const all =
      sealFlags.F_SEAL_SEAL | sealFlags.F_SEAL_SHRINK | sealFlags.F_SEAL_GROW | sealFlags.F_SEAL_WRITE;
    expect(getSeals(fd) & all).toBe(all);
    expect(errorOf(() => file.write(fd, new Uint8Array(1))).code).toBe("EPERM");
    expect(errorOf(() => addSeals(fd, sealFlags.F_SEAL_FUTURE_WRITE)).code).toBe("EPERM");
    expect(() => writeFileSync(`/proc/self/fd/${fd}`, "x")).toThrow();
    expect(readFileSync(`/proc/self/fd/${fd}`, "utf8")).toBe("text");
    file.close(fd);
  });
});

describe("process", () => {
  test("a pidfd signals, and waitid reaps, exactly this child", async () => {
    const child = Bun.spawn(["sleep", "60"]);
    const pidfd = pidfd_open(child.pid);
    pidfd_send_signal(pidfd, 0);
    pidfd_send_signal(pidfd, 15);
    await child.exited;
    expect(
      isErrno(
        errorOf(() => pidfd_send_signal(pidfd, 0)),
        "ESRCH",
      ),
    ).toBe(true);
    expect(
      isErrno(
        errorOf(() => waitid(pidfd, { block: false })),
        "ECHILD",
      ),
    ).toBe(true);
    file.close(pidfd);
  });

  test("limits are what the shell says", () => {
    const { soft } = prlimit(0, 7);
    expect(soft).toBeGreaterThan(0n);
    expect(readFileSync("/proc/self/limits", "utf8")).toContain(String(soft));
  });

  test("probing the kernel has no side effect", () => {
    expect(kernelKnows("pidfd_open")).toBe(true);
    expect(kernelKnows("close_range")).toBe(true);
  });

  test("a pipe has no window size", () => {
    const [readEnd, writeEnd] = file.pipe2();
    expect(errorOf(() => getWindowSize(readEnd)).code).toBe("ENOTTY");
    file.closeQuietly(readEnd, writeEnd);
  });
});

describe("flags", () => {
  test("names to bits and back, above 32 bits too", () => {
    expect(flagBits({ A: 0x80000000, B: 0x200000000, C: 1 }, ["A", "B"])).toBe(0x280000000);
    expect(flagNames({ A: 0x80000000, B: 0x200000000 }, 0x280000004)).toBe("A|B|0x4");
    expect(flagNames(mountFlags, 0)).toBe("0");
    expect(flagNames(mountFlags, flagBits(mountFlags, ["MS_BIND", "MS_REC"]))).toBe("MS_BIND|MS_REC");
  });
});

function temporaryDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "bocker-ffi-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

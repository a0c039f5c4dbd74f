import { describe, expect, test } from "bun:test";
import { errnoName, errnoNumber, errnoText } from "../../../ffi/errno.ts";
import { isErrno, SyscallError } from "../../../ffi/syscall-error.ts";

describe("errno", () => {
  test.each([
    [1, "EPERM", "operation not permitted"],
    [2, "ENOENT", "no such file or directory"],
    [8, "ENOEXEC", "exec format error"],
    [13, "EACCES", "permission denied"],
    [20, "ENOTDIR", "not a directory"],
    [40, "ELOOP", "too many levels of symbolic links"],
  ])("%d is %s", (number, name, text) => {
    expect(errnoName(number)).toBe(name);
    expect(errnoText(number)).toBe(text);
    expect(errnoNumber(name)).toBe(number);
  });

  test("names and numbers are each other's inverse", () => {
    for (let number = 1; number <= 132; number++) {
      const name = errnoName(number);
      if (!name.startsWith("errno ")) expect(errnoNumber(name)).toBe(number);
    }
  });

  test("a number without a name stays readable, a name without a number is a mistake", () => {
    expect(errnoName(4711)).toBe("errno 4711");
    expect(errnoText(4711)).toBe("errno 4711");
    expect(() => errnoNumber("ENOSUCH")).toThrow("ENOSUCH");
    expect(() => errnoNumber("file")).toThrow("file");
  });
});

describe("SyscallError", () => {
  test("says call, arguments and reason, and is found by its code", () => {
    const error = new SyscallError("openat", 2, 'AT_FDCWD, "/x", O_RDONLY');
    expect(error.message).toBe('openat(AT_FDCWD, "/x", O_RDONLY): no such file or directory');
    expect(isErrno(error, "EACCES", "ENOENT")).toBe(true);
    expect(isErrno(error, "EACCES")).toBe(false);
    expect(isErrno(new Error("ENOENT"), "ENOENT")).toBe(false);
  });
});

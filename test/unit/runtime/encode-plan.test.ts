/**
 * From plan to tape: every kind of operation gets a call, names become descriptors, failures find their owner.
 */
import { describe, expect, test } from "bun:test";
import { syscallNumber } from "../../../ffi/syscall-number.ts";
import { statusKind, tapeHeaderBytes, tapeOperationBytes } from "../../../ffi/tape.ts";
import { alwaysInherited, type LaunchOperation, type LaunchPlan } from "../../../src/launch/plan.ts";
import { encodePlan } from "../../../src/runtime/encode-plan.ts";

const step = "test";

function planOf(operations: readonly LaunchOperation[], inherits: readonly string[] = []): LaunchPlan {
  return {
    purpose: "create",
    cloneFlags: [],
    inherits: [...alwaysInherited, ...inherits],
    initArgs: [],
    operations,
  };
}

/** The n-th operation on tape: number, slots kept and wanted, first arguments. */
function operationAt(tape: Uint8Array, index: number) {
  const view = new DataView(tape.buffer);
  const at = tapeHeaderBytes + index * tapeOperationBytes;
  return {
    number: view.getUint32(at, true),
    keep: view.getUint16(at + 4, true),
    unless: view.getUint16(at + 6, true),
    kind: view.getUint8(at + 8),
    slots: view.getUint8(at + 10),
    args: [0, 1, 2, 3].map((argument) => Number(view.getBigInt64(at + 16 + argument * 8, true))),
  };
}

describe("descriptors", () => {
  test("inherited names are numbers from 3 on, kept ones slots that are used again after close", () => {
    const fsopen = (keep: string): LaunchOperation => ({ call: "fsopen", step, fsType: "proc", keep });
    const { tape } = encodePlan(
      planOf(
        [
          { call: "fchdir", step, fd: "rootfs" },
          fsopen("a"),
          fsopen("b"),
          { call: "close", step, fd: "a" },
          fsopen("c"),
          { call: "fsmount", step, fd: "c", attributes: ["MOUNT_ATTR_NOSUID"], keep: "d" },
          { call: "fchownat", step, dirfd: 1, path: "", uid: 1, gid: -1, flags: ["AT_EMPTY_PATH"] },
          { call: "mkdirat", step, dirfd: "AT_FDCWD", path: "/x", mode: 0o755 },
        ],
        ["rootfs"],
      ),
    );
    expect(operationAt(tape, 0)).toMatchObject({ number: syscallNumber.fchdir, args: [6, 0, 0, 0] });
    expect([1, 2, 4].map((index) => operationAt(tape, index).keep)).toEqual([0, 1, 0]);
    expect(operationAt(tape, 5)).toMatchObject({ slots: 1, args: [0, 1, 2, 0], keep: 2 });
    expect(operationAt(tape, 6)).toMatchObject({ slots: 0 });
    expect(operationAt(tape, 6).args[0]).toBe(1);
    expect(operationAt(tape, 6).args[3]).toBe(-1);
    expect(operationAt(tape, 7).args[0]).toBe(-100);
  });

  test("a name that nothing keeps is a mistake of the plan", () => {
    expect(() => encodePlan(planOf([{ call: "fchdir", step, fd: "nothing" }]))).toThrow('"nothing"');
    expect(() => encodePlan(planOf([{ call: "chdir", step, path: "/", unless: "never" }]))).toThrow(
      '"never"',
    );
  });

  test("more than init has room for is refused", () => {
    const operations = Array.from({ length: 1025 }, (_, index): LaunchOperation => {
      return { call: "fsopen", step, fsType: "tmpfs", keep: `fs${index}` };
    });
    expect(() => encodePlan(planOf(operations))).toThrow("1024 descriptors");
    expect(encodePlan(planOf(operations.slice(1))).owners).toHaveLength(1024);
  });
});

describe("operations", () => {
  test("an IPv6 address takes three tape operations, all owned by the same operation of the plan", () => {
    const { owners, tape } = encodePlan(
      planOf([
        { call: "socket", step, family: "AF_INET6", keep: "s" },
        {
          call: "ioctl",
          step,
          fd: "s",
          request: "SIOCSIFADDR6",
          interface: "eth0",
          address: "fd00::2",
          prefix: 64,
        },
        { call: "close", step, fd: "s" },
      ]),
    );
    expect(owners).toEqual([0, 1, 1, 1, 2]);
    expect(operationAt(tape, 2).kind).toBe(5);
  });

  test("errno names are checked when the tape is made", () => {
    expect(() => encodePlan(planOf([{ call: "setsid", step, ignore: ["ENOSUCH"] }]))).toThrow("ENOSUCH");
  });

  test("an interface name that is too long is refused, not cut", () => {
    const operation: LaunchOperation = {
      call: "ioctl",
      step,
      fd: 0,
      request: "SIOCSIFMTU",
      interface: "x".repeat(16),
      mtu: 1,
    };
    expect(() => encodePlan(planOf([operation]))).toThrow("invalid interface name");
  });

  test("a NUL byte cannot cut an argument short", () => {
    const execve: LaunchOperation = {
      call: "execve",
      step,
      candidates: ["/x"],
      args: ["x\0y"],
      env: [],
      init: false,
    };
    expect(() => encodePlan(planOf([execve]))).toThrow("NUL");
  });
});

describe("structs and words", () => {
  /** The bytes that argument `argument` of the first operation points at. */
  const dataOf = (
    operation: LaunchOperation,
    argument: number,
    inherits: readonly string[] = [],
  ): DataView => {
    const { tape } = encodePlan(planOf([operation], inherits));
    const view = new DataView(tape.buffer);
    return new DataView(tape.buffer, view.getUint32(12, true) + (operationAt(tape, 0).args[argument] ?? 0));
  };

  test("an id-mapped mount names the namespace by the child's number", () => {
    const change = {
      dirfd: 0,
      path: "",
      flags: [],
      set: ["MOUNT_ATTR_IDMAP"],
      clear: [],
      propagation: [],
    } as const;
    const view = dataOf({ call: "mount_setattr", step, ...change, userNamespace: "userns" }, 3, [
      "rootfs",
      "userns",
    ]);
    expect(view.getUint32(0, true)).toBe(0x100000);
    expect(view.getUint32(24, true)).toBe(7);
  });

  test("a scheduler's nice may be negative, its times have 64 bits", () => {
    const times = { runtime: 5_000_000_000, deadline: 1, period: 2 };
    const view = dataOf(
      { call: "sched_setattr", step, policy: "SCHED_DEADLINE", nice: -5, priority: 3, flags: [], ...times },
      1,
    );
    expect([view.getUint32(0, true), view.getUint32(4, true), view.getInt32(16, true)]).toEqual([48, 6, -5]);
    expect(view.getBigUint64(24, true)).toBe(5_000_000_000n);
  });

  test("CPUs are bits, as many as the highest takes", () => {
    const { tape } = encodePlan(planOf([{ call: "sched_setaffinity", step, cpus: [0, 9, 64] }]));
    expect(operationAt(tape, 0).args[1]).toBe(16);
    const view = dataOf({ call: "sched_setaffinity", step, cpus: [0, 9, 64] }, 2);
    expect([view.getUint8(0), view.getUint8(1), view.getUint8(8)]).toEqual([1, 2, 1]);
  });

  test("the class of an I/O priority lies above its level", () => {
    const { tape } = encodePlan(
      planOf([{ call: "ioprio_set", step, class: "IOPRIO_CLASS_BE", priority: 6 }]),
    );
    expect(operationAt(tape, 0).args.slice(0, 3)).toEqual([1, 0, (2 << 13) | 6]);
  });
});

test("status records are told apart", () => {
  expect(new Set(Object.values(statusKind)).size).toBe(4);
});

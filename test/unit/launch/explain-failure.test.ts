import { describe, expect, test } from "bun:test";
import { explainFailure } from "../../../src/launch/explain-failure.ts";
import type { LaunchOperation, LaunchPlan } from "../../../src/launch/plan.ts";

const created = "OCI runtime create failed: unable to start container process: error during container init: ";
const executed = "OCI runtime exec failed: exec failed: unable to start container process: ";

function planOf(operation: LaunchOperation, purpose: LaunchPlan["purpose"] = "create"): LaunchPlan {
  return { purpose, cloneFlags: [], inherits: [], initArgs: [], operations: [operation] };
}

function execve(word: string, candidates: readonly string[]): LaunchOperation {
  return { call: "execve", step: "exec", candidates, args: [word, "-l"], env: [], init: false };
}

describe("a command that cannot be run", () => {
  test.each([
    ["ls", ["/bin/ls", "/usr/bin/ls"], "ENOENT", -1, 127, 'exec: "ls": executable file not found in $PATH'],
    ["/x", ["/x"], "ENOENT", -1, 127, 'exec: "/x": stat /x: no such file or directory'],
    ["/f/x", ["/f/x"], "ENOTDIR", -1, 127, 'exec: "/f/x": stat /f/x: not a directory'],
    ["ls", ["/bin/ls"], "EACCES", 0, 126, 'exec: "ls": TEXT'],
    ["/etc", ["/etc"], "EISDIR", 0, 126, 'exec: "/etc": TEXT'],
    ["ls", ["/a/ls", "/b/ls"], "ENOEXEC", 1, 126, "exec /b/ls: exec format error"],
    ["ls", ["/a/ls", "/b/ls"], "ENOENT", 1, 127, "exec /b/ls: TEXT"],
    ["ls", ["/a/ls"], "E2BIG", 0, 126, "exec /a/ls: TEXT"],
    ['a"b', [], "ENOENT", -1, 127, 'exec: "a\\"b": executable file not found in $PATH'],
  ])("%p in %j: %s at %d", (word, candidates, code, detail, exitCode, message) => {
    const failure = { index: 0, code, text: "TEXT", detail };
    const error = explainFailure(planOf(execve(word, candidates)), failure);
    expect(error.message).toBe(created + message);
    expect(error.exitCode).toBe(exitCode);
    expect(explainFailure(planOf(execve(word, candidates), "exec"), failure).message).toBe(
      executed + message,
    );
  });

  test("the wrong architecture and a missing interpreter are explained", () => {
    const at = { index: 0, text: "", detail: 0 };
    expect(explainFailure(planOf(execve("x", ["/x"])), { ...at, code: "ENOEXEC" }).hint).toContain(
      "another architecture",
    );
    expect(explainFailure(planOf(execve("x", ["/x"])), { ...at, code: "ENOENT" }).hint).toContain(
      "interpreter",
    );
  });
});

describe("other failures", () => {
  const failure = { index: 0, detail: -1 };

  test("a mount names source, target and reason, with a hint where the errno has one", () => {
    const step = 'mounting "/a" to rootfs at "/b"';
    const target: LaunchOperation = {
      call: "openat2",
      step,
      dirfd: "AT_FDCWD",
      path: "/b",
      flags: [],
      resolve: [],
      keep: "t",
    };
    const error = explainFailure(planOf(target), { ...failure, code: "ENOTDIR", text: "not a directory" });
    expect(error.message).toBe(`${created}error mounting "/a" to rootfs at "/b": openat2: not a directory`);
    expect(error.hint).toContain("mount a directory onto a file (or vice-versa)");
    expect(error.exitCode).toBeUndefined();
    const move: LaunchOperation = {
      call: "move_mount",
      step,
      fromFd: "a",
      from: "",
      toFd: "b",
      to: "",
      flags: [],
    };
    const other = explainFailure(planOf(move), { ...failure, code: "EINVAL", text: "invalid argument" });
    expect(other.message).toEndWith("move_mount: not a directory");
  });

  test.each([
    ["ENOENT", 127],
    ["EACCES", 126],
    ["ENOTDIR", undefined],
  ])("chdir with %s", (code, exitCode) => {
    const chdir: LaunchOperation = {
      call: "chdir",
      step: 'chdir to cwd ("/x") set in config.json',
      path: "/x",
    };
    const error = explainFailure(planOf(chdir), { ...failure, code, text: "why" });
    expect(error.message).toBe(`${created}chdir to cwd ("/x") set in config.json failed: why`);
    expect(error.exitCode).toBe(exitCode);
  });

  test("exec's fallback exit code is 126, run's is the command's", () => {
    const setsid: LaunchOperation = { call: "setsid", step: "creating a session" };
    const error = explainFailure(planOf(setsid, "exec"), {
      ...failure,
      code: "EPERM",
      text: "operation not permitted",
    });
    expect(error.message).toBe(`${executed}creating a session: setsid: operation not permitted`);
    expect(error.exitCode).toBe(126);
    expect(error.details).toEqual({ operation: 0, call: "setsid", errno: "EPERM" });
  });

  test("an index that is not in the plan is still an error with a reason", () => {
    const error = explainFailure(
      { ...planOf(execve("x", [])), operations: [] },
      { ...failure, code: "EIO", text: "input/output error" },
    );
    expect(error.message).toContain("input/output error");
  });
});

describe("what an image or a volume was made for", () => {
  const verify = (step: string, fact: "outside-proc" | "null-device") =>
    planOf({ call: "verify-fd", step, fd: "target.1", fact });
  const at = { index: 0, text: "TEXT", detail: -1 };

  test("a mount that links lead into /proc", () => {
    const plan = verify('mounting "/srv" to rootfs at "/way"', "outside-proc");
    expect(explainFailure(plan, { ...at, code: "EXDEV" }).message).toBe(
      `${created}error mounting "/srv" to rootfs at "/way": its symbolic links lead into /proc, where nothing can be mounted`,
    );
  });

  test("a /dev/null that is none", () => {
    const error = explainFailure(verify("masking paths with /dev/null", "null-device"), {
      ...at,
      code: "ENOTTY",
    });
    expect(error.message).toBe(`${created}masking paths with /dev/null: it is not the null device`);
    expect(error.hint).toBe("the image or a volume has made it");
  });

  test("any other error in the kernel's words", () => {
    const error = explainFailure(verify("masking paths with /dev/null", "null-device"), {
      ...at,
      code: "EIO",
    });
    expect(error.message).toBe(`${created}masking paths with /dev/null: TEXT`);
  });
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BockerError } from "../../../src/errors.ts";
import { applySteps, undoSteps } from "../../../src/host/apply-steps.ts";
import type { HostStep } from "../../../src/host/step.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bocker-steps-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function mkdir(name: string): HostStep {
  const path = join(folder, name);
  return { label: `make folder "${name}"`, kind: "mkdir", path, mode: 0o755, undo: { kind: "rmdir", path } };
}

function failing(): HostStep {
  return { label: "fail", kind: "command", argv: ["sh", "-c", "echo broken >&2; exit 1"] };
}

function messageThrownBy(action: () => void): string {
  try {
    action();
  } catch (error) {
    if (error instanceof BockerError) return error.message;
    throw error;
  }
  return "";
}

test("every kind of step does what it says", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  applySteps([
    mkdir("a"),
    { label: "write", kind: "write", path: file, data: "1" },
    { label: "link", kind: "symlink", path: join(folder, "link"), target: "file" },
    { label: "run", kind: "command", argv: ["tee", join(folder, "tee")], stdin: "words" },
    { label: "remove", kind: "remove", path: join(folder, "a") },
  ]);
  expect(readdirSync(folder).sort()).toEqual(["file", "link", "tee"]);
  expect(readFileSync(file, "utf8")).toBe("1");
  expect(readlinkSync(join(folder, "link"))).toBe("file");
  expect(readFileSync(join(folder, "tee"), "utf8")).toBe("words");
});

describe("a failing step", () => {
  for (let position = 0; position <= 3; position++) {
    test(`at position ${position} leaves nothing`, () => {
      const steps = [mkdir("a"), mkdir("a/b"), mkdir("a/b/c")];
      steps.splice(position, 0, failing());
      expect(messageThrownBy(() => applySteps(steps))).toStartWith("cannot fail: ");
      expect(readdirSync(folder)).toEqual([]);
    });
  }

  test("reports the errors of the undoing as well", () => {
    const stuck: HostStep = {
      ...mkdir("a"),
      undo: { kind: "command", argv: ["sh", "-c", "echo stuck >&2; exit 1"] },
    };
    const message = messageThrownBy(() => applySteps([mkdir("x"), stuck, failing()]));
    expect(message).toContain("broken");
    expect(message).toContain("undoing what was done failed too");
    expect(message).toContain("stuck");
    expect(existsSync(join(folder, "x"))).toBe(false);
  });

  test("is done when its errno is one to ignore", () => {
    applySteps([mkdir("a"), { ...mkdir("a"), ignore: ["EEXIST"] }]);
    expect(existsSync(join(folder, "a"))).toBe(true);
  });

  test("keeps another errno an error", () => {
    const step: HostStep = { ...mkdir("no/a"), ignore: ["EEXIST"] };
    expect(messageThrownBy(() => applySteps([step]))).toContain("ENOENT");
  });
});

test("a write never makes a file", () => {
  const path = join(folder, "absent");
  expect(messageThrownBy(() => applySteps([{ label: "write", kind: "write", path, data: "1" }]))).toContain(
    "ENOENT",
  );
  expect(existsSync(path)).toBe(false);
});

test("undoSteps goes in reverse, past errors and past what is gone already", () => {
  const steps = [mkdir("a"), mkdir("a/b"), mkdir("gone")];
  applySteps(steps);
  rmSync(join(folder, "gone"), { recursive: true });
  undoSteps(steps);
  expect(readdirSync(folder)).toEqual([]);
  const bad: HostStep = { ...mkdir("k"), undo: { kind: "command", argv: ["false"] } };
  applySteps([mkdir("a"), bad]);
  expect(messageThrownBy(() => undoSteps([mkdir("a"), bad]))).toStartWith("cannot undo: ");
  expect(readdirSync(folder)).toEqual(["k"]);
});

/** Where save and export may write, with docker's words for where not; names for images made here. */
import { describe, expect, test } from "bun:test";
import { archivePlace } from "../../../src/cli/archive-target.ts";
import { byteProgress } from "../../../src/cli/byte-progress.ts";
import { parseTargetName } from "../../../src/cli/target-name.ts";
import { canonicalName } from "../../../src/image/reference.ts";

function output(isTerminal: boolean) {
  const written: string[] = [];
  return { written, isTerminal, columns: 80, write: (text: string) => void written.push(text) };
}

describe("place", () => {
  const to = (path: string | undefined, isTerminal = false) =>
    archivePlace(output(isTerminal), path, "failed to save image");

  test("a file, or standard output", () => {
    expect(to("/tmp/x.tar", true)).toEqual({ file: "/tmp/x.tar" });
    expect(to(undefined)).toEqual({ fd: 1 });
  });

  const refused: readonly (readonly [string | undefined, string])[] = [
    [undefined, "cowardly refusing to save to a terminal. Use the -o flag or redirect"],
    ["/nonexistent/x", 'failed to save image: invalid output path: directory "/nonexistent" does not exist'],
    ["/tmp", 'invalid output path: "/tmp" is a directory'],
    ["/dev/null", '"/dev/null" must be a directory or a regular file: got a device'],
  ];
  for (const [path, message] of refused) {
    test(message, () => expect(() => to(path, true)).toThrow(message));
  }
});

describe("name", () => {
  test("latest where there is no tag, none where there is no name", () => {
    const reference = parseTargetName("me/app");
    expect(reference && canonicalName(reference)).toBe("docker.io/me/app:latest");
    expect(parseTargetName(undefined)).toBeUndefined();
    expect(parseTargetName("")).toBeUndefined();
  });
  test("no digest, no capitals", () => {
    expect(() => parseTargetName(`a@sha256:${"0".repeat(64)}`)).toThrow("cannot import digest reference");
    expect(() => parseTargetName("Bad")).toThrow("must be lowercase");
  });
});

describe("progress", () => {
  test("a live line on a terminal, cleared at the end", () => {
    const terminal = output(true);
    let now = 0;
    const progress = byteProgress(terminal, "Loading", false, () => now);
    progress.show(1);
    expect(terminal.written).toEqual([]);
    now = 150;
    progress.show(1_500_000, 3_000_000);
    progress.clear();
    progress.clear();
    expect(terminal.written).toEqual(["\r\x1b[2KLoading 1.5MB/3MB", "\r\x1b[2K"]);
  });
  test("nothing elsewhere, and nothing when quiet", () => {
    const [pipe, terminal] = [output(false), output(true)];
    for (const progress of [
      byteProgress(pipe, "x", false, () => 1e9),
      byteProgress(terminal, "x", true, () => 1e9),
    ]) {
      progress.show(5);
      progress.clear();
    }
    expect([pipe.written, terminal.written]).toEqual([[], []]);
  });
});

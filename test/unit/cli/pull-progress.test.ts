import { describe, expect, test } from "bun:test";
import { createPullProgress, renderLayer } from "../../../src/cli/pull-progress.ts";
import type { LayerStatus, PullEvent } from "../../../src/engine/pull-event.ts";

const layer = (id: string, status: LayerStatus, doneBytes?: number): PullEvent => ({
  kind: "layer",
  id,
  status,
  ...(doneBytes === undefined ? {} : { doneBytes, totalBytes: 2_000_000 }),
});

function show(
  events: readonly PullEvent[],
  output: { isTTY?: boolean; columns?: number; rows?: number } = {},
) {
  let text = "";
  let now = 0;
  const progress = createPullProgress({ ...output, write: (part) => (text += part) }, () => now);
  for (const event of events) {
    progress(event);
    now += 10;
  }
  return text;
}

test("away from a terminal: docker's lines, without numbers", () => {
  const text = show([
    { kind: "resolved", label: "latest", repository: "library/alpine" },
    layer("aaaaaaaaaaaa", "Pulling fs layer"),
    layer("aaaaaaaaaaaa", "Downloading", 5),
    layer("aaaaaaaaaaaa", "Verifying Checksum"),
    layer("aaaaaaaaaaaa", "Verifying Checksum"),
    layer("aaaaaaaaaaaa", "Download complete"),
    layer("aaaaaaaaaaaa", "Extracting", 5),
    layer("aaaaaaaaaaaa", "Pull complete"),
    { kind: "warning", message: "odd" },
    { kind: "digest", digest: "sha256:abc" },
    { kind: "status", upToDate: false, name: "alpine:latest" },
    { kind: "status", upToDate: true, name: "alpine:latest" },
  ]);
  expect(text.split("\n")).toEqual([
    "latest: Pulling from library/alpine",
    "aaaaaaaaaaaa: Pulling fs layer",
    "aaaaaaaaaaaa: Verifying Checksum",
    "aaaaaaaaaaaa: Download complete",
    "aaaaaaaaaaaa: Pull complete",
    "WARNING: odd",
    "Digest: sha256:abc",
    "Status: Downloaded newer image for alpine:latest",
    "Status: Image is up to date for alpine:latest",
    "",
  ]);
});

describe("on a terminal", () => {
  const tty = { isTTY: true, columns: 120, rows: 24 };
  test("each layer has a line that is redrawn in place", () => {
    const text = show(
      [layer("a", "Pulling fs layer"), layer("b", "Pulling fs layer"), layer("a", "Pull complete")],
      tty,
    );
    expect(text).toBe("a: Pulling fs layer\nb: Pulling fs layer\n\x1b[2A\r\x1b[2Ka: Pull complete\x1b[2B\r");
  });

  test("numbers alone are drawn at a bounded rate, a new state always", () => {
    const numbers = Array.from({ length: 100 }, (_, at) => layer("a", "Downloading", at));
    const text = show([...numbers, layer("a", "Download complete")], tty);
    expect(text.match(/Downloading/g)?.length).toBeLessThan(15);
    expect(text).toContain("Download complete");
  });

  test("a line that has scrolled away is left alone", () => {
    const many = Array.from({ length: 30 }, (_, at) => layer(`l${at}`, "Pulling fs layer"));
    const text = show([...many, layer("l0", "Pull complete"), layer("l29", "Pull complete")], tty);
    expect(text).not.toContain("l0: Pull complete");
    expect(text).toContain("l29: Pull complete");
  });
});

describe("a layer's line", () => {
  const line = (doneBytes: number, columns: number) =>
    renderLayer({ kind: "layer", id: "a", status: "Downloading", doneBytes, totalBytes: 2_000_000 }, columns);
  test("has docker's bar where there is room", () => {
    expect(line(1_000_000, 120)).toBe(`a: Downloading [${"=".repeat(25)}>${" ".repeat(25)}]      1MB/2MB`);
    expect(line(0, 120)).toBe(`a: Downloading [>${" ".repeat(50)}]       0B/2MB`);
    expect(line(9e9, 120)).toContain(`[${"=".repeat(50)}>]`);
  });
  test("has numbers of four digits elsewhere, cut to the width", () => {
    expect(line(123_456, 80)).toBe("a: Downloading  123.5kB/2MB");
    expect(line(123_456, 20)).toHaveLength(20);
  });
});

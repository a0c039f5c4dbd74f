/** What a push looks like. */
import { describe, expect, test } from "bun:test";
import { createPushProgress } from "../../../src/cli/push-progress.ts";
import type { PushEvent } from "../../../src/engine/push-event.ts";

const layer = (
  id: string,
  status: Extract<PushEvent, { kind: "layer" }>["status"],
  doneBytes?: number,
): PushEvent => ({
  kind: "layer",
  id,
  status,
  ...(doneBytes === undefined ? {} : { doneBytes, totalBytes: 4000 }),
});
const events: readonly PushEvent[] = [
  { kind: "repository", name: "localhost:5000/x" },
  layer("aaaaaaaaaaaa", "Preparing"),
  layer("bbbbbbbbbbbb", "Preparing"),
  layer("aaaaaaaaaaaa", "Pushing", 0),
  layer("aaaaaaaaaaaa", "Pushing", 2000),
  layer("bbbbbbbbbbbb", "Mounted from library/y"),
  layer("aaaaaaaaaaaa", "Pushed"),
  { kind: "digest", tag: "latest", digest: "sha256:d", sizeBytes: 528 },
];

function show(isTTY: boolean, columns = 80): string {
  const written: string[] = [];
  let now = 0;
  const output = { isTTY, columns, rows: 24, write: (text: string) => written.push(text) };
  const progress = createPushProgress(output, () => {
    now += 100;
    return now;
  });
  for (const event of events) progress(event);
  return written.join("");
}

describe("createPushProgress", () => {
  test("away from a terminal: a line for each change of state, no numbers", () => {
    expect(show(false)).toBe(
      [
        "The push refers to repository [localhost:5000/x]",
        "aaaaaaaaaaaa: Preparing",
        "bbbbbbbbbbbb: Preparing",
        "bbbbbbbbbbbb: Mounted from library/y",
        "aaaaaaaaaaaa: Pushed",
        "latest: digest: sha256:d size: 528",
        "",
      ].join("\n"),
    );
  });

  test("on a terminal: a line a layer, redrawn, with a bar where it is wide", () => {
    const narrow = show(true);
    expect(narrow).toContain("\x1b[2A\r\x1b[2Kaaaaaaaaaaaa: Pushing      2kB/4kB\x1b[2B\r");
    expect(narrow).toContain("\x1b[2A\r\x1b[2Kaaaaaaaaaaaa: Pushed\x1b[2B\r");
    expect(narrow).toContain("\x1b[1A\r\x1b[2Kbbbbbbbbbbbb: Mounted from library/y\x1b[1B\r");
    expect(show(true, 120)).toContain(`Pushing [${"=".repeat(25)}>${" ".repeat(25)}]      2kB/4kB`);
  });

  test("the lines of the next tag begin anew", () => {
    const written: string[] = [];
    const output = { isTTY: true, columns: 80, rows: 24, write: (text: string) => written.push(text) };
    const progress = createPushProgress(output);
    for (const event of [...events, layer("aaaaaaaaaaaa", "Preparing")]) progress(event);
    expect(written.join("")).toEndWith("size: 528\naaaaaaaaaaaa: Preparing\n");
  });
});

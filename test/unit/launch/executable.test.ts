import { describe, expect, test } from "bun:test";
import { executableCandidates } from "../../../src/launch/executable.ts";

describe("where a command is looked for", () => {
  test.each([
    ["ls", ["PATH=/bin:/usr/bin"], ["/bin/ls", "/usr/bin/ls"]],
    ["ls", ["PATH=/a", "PATH=/b/"], ["/b/ls"]],
    ["ls", [], []],
    ["ls", ["PATH="], []],
    ["ls", ["PATH=:.:rel:/bin"], ["/bin/ls"]],
    ["./ls", ["PATH=/bin"], ["./ls"]],
    ["a/b", [], ["a/b"]],
    ["/bin/ls", [], ["/bin/ls"]],
    ["", ["PATH=/bin"], []],
    ["..", ["PATH=/bin"], ["/bin/.."]],
  ])("%p with %j", (word, env, candidates) => {
    expect(executableCandidates(word, env)).toEqual(candidates);
  });
});

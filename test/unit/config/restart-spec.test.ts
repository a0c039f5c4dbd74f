import { describe, expect, test } from "bun:test";
import { parseRunArguments } from "../../../src/cli/run-arguments.ts";
import { parseRestart, renderRestart } from "../../../src/config/restart-spec.ts";
import { memoryHost } from "./option-host.ts";

describe("--restart", () => {
  test.each([
    ["always", { policy: "always", maxRetries: 0 }],
    ["unless-stopped", { policy: "unless-stopped", maxRetries: 0 }],
    ["on-failure", { policy: "on-failure", maxRetries: 0 }],
    ["on-failure:7", { policy: "on-failure", maxRetries: 7 }],
  ] as const)("%s reads and renders back", (text, config) => {
    expect(parseRestart(text)).toEqual(config);
    expect(renderRestart(config)).toBe(text);
  });

  test.each(["", "no", "no:0"])("%p is no policy", (text) => {
    expect(parseRestart(text)).toBeUndefined();
  });

  test.each([
    [":3", "invalid restart policy format: no policy provided before colon"],
    ["on-failure:many", "invalid restart policy format: maximum retry count must be an integer"],
    ["on-failure:1.5", "invalid restart policy format: maximum retry count must be an integer"],
    ["on-failure:-1", "invalid restart policy: maximum retry count cannot be negative"],
    ["always:3", "invalid restart policy: maximum retry count can only be used with 'on-failure'"],
    [
      "no:-2",
      "invalid restart policy: maximum retry count can only be used with 'on-failure' and cannot be negative",
    ],
    [
      "sometimes",
      "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    ],
  ])("%s is refused in docker's words", (text, phrase) => {
    expect(() => parseRestart(text)).toThrow(phrase);
  });

  test("not together with --rm; a later no takes a file's policy away", async () => {
    const parse = (...argv: string[]) => parseRunArguments([...argv, "busybox"], memoryHost({}, {}));
    await expect(parse("--rm", "--restart", "always")).rejects.toThrow(
      "conflicting options: cannot specify both --restart and --rm",
    );
    expect((await parse("--rm", "--restart", "no")).config.restart).toBeUndefined();
  });
});

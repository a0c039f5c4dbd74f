/** `--change`: Dockerfile instructions on a config, docker's words for what they cannot be. */
import { describe, expect, test } from "bun:test";
import { applyChanges } from "../../../src/image/config-change.ts";
import type { ImageProcessConfig } from "../../../src/image/image-config.ts";

const apply = (...instructions: string[]) => applyChanges({}, instructions);
const second = 1e9;

const good: readonly (readonly [string, readonly string[], ImageProcessConfig])[] = [
  ["CMD as a list", ['CMD ["a", "b c"]'], { Cmd: ["a", "b c"] }],
  ["CMD for the shell", ["CMD a 'b c' | d"], { Cmd: ["/bin/sh", "-c", "a 'b c' | d"] }],
  ["CMD that only looks like a list", ["CMD [ -f /x ]"], { Cmd: ["/bin/sh", "-c", "[ -f /x ]"] }],
  ["CMD emptied", ["CMD x", "CMD []"], { Cmd: [] }],
  ["ENTRYPOINT", ['entrypoint ["/init"]'], { Entrypoint: ["/init"] }],
  ["ENV pairs, quotes", [`ENV A=b "C"='d e' F=g\\ h I="j\\"k"`], { Env: ["A=b", "C=d e", "F=g h", 'I=j"k'] }],
  ["ENV, the old form", ["ENV A b  c=d"], { Env: ["A=b  c=d"] }],
  ["ENV replaces in place", ["ENV A=1 B=2", "ENV A=3"], { Env: ["A=3", "B=2"] }],
  ["ENV without a value", ["ENV A="], { Env: ["A="] }],
  ["ENV expands nothing", ["ENV A=$B"], { Env: ["A=$B"] }],
  [
    "EXPOSE",
    ["EXPOSE 80 53/udp 8000-8002"],
    { ExposedPorts: { "80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {}, "8002/tcp": {} } },
  ],
  ["LABEL", [`LABEL a=b "c d"="e=f"`, "LABEL a=g"], { Labels: { a: "g", "c d": "e=f" } }],
  ["ONBUILD", ["ONBUILD RUN x", "ONBUILD COPY . ."], { OnBuild: ["RUN x", "COPY . ."] }],
  ["STOPSIGNAL", ["STOPSIGNAL SIGQUIT"], { StopSignal: "SIGQUIT" }],
  ["USER", ["USER 1000:1000"], { User: "1000:1000" }],
  ["VOLUME", ["VOLUME /a /b", 'VOLUME ["/c d"]'], { Volumes: { "/a": {}, "/b": {}, "/c d": {} } }],
  ["WORKDIR continues", ["WORKDIR /a", "WORKDIR b/../c"], { WorkingDir: "/a/c" }],
  ["WORKDIR stays inside", ["WORKDIR ../../x"], { WorkingDir: "/x" }],
  ["HEALTHCHECK NONE", ["HEALTHCHECK NONE"], { Healthcheck: { Test: ["NONE"] } }],
  [
    "HEALTHCHECK",
    ["HEALTHCHECK --interval=1m30s --timeout=1.5s --retries=3 CMD curl -f localhost"],
    {
      Healthcheck: {
        Test: ["CMD-SHELL", "curl -f localhost"],
        Interval: 90 * second,
        Timeout: 1.5 * second,
        Retries: 3,
      },
    },
  ],
  ["HEALTHCHECK as a list", ['HEALTHCHECK CMD ["a","b"]'], { Healthcheck: { Test: ["CMD", "a", "b"] } }],
  [
    "several lines, comments, continued",
    ["# x\nUSER a\n\nENV A=1 \\\n B=2"],
    { User: "a", Env: ["A=1", "B=2"] },
  ],
];

describe("applies", () => {
  for (const [name, instructions, config] of good) {
    test(name, () => expect(apply(...instructions)).toEqual(config));
  }

  test("to what is there, leaving the rest", () => {
    const before: ImageProcessConfig = { Env: ["PATH=/bin"], User: "x", Shell: ["/bin/bash", "-c"] };
    expect(applyChanges(before, ["CMD y", "ENV A=1"])).toEqual({
      ...before,
      Cmd: ["/bin/bash", "-c", "y"],
      Env: ["PATH=/bin", "A=1"],
    });
    expect(before.Env).toEqual(["PATH=/bin"]);
  });
});

const bad: readonly (readonly [string, string])[] = [
  ["RUN x", "run is not a valid change command"],
  ["FROM x", "from is not a valid change command"],
  ["FOO x", "foo is not a valid change command"],
  ["constructor x", "constructor is not a valid change command"],
  ["ENV", "ENV requires at least one argument"],
  ["ENV A", "ENV must have two arguments"],
  ["ENV A=1 B", 'can\'t find = in "B"'],
  ["ENV =x", "ENV names can not be blank"],
  ["EXPOSE x", "invalid containerPort: x"],
  ["EXPOSE 70000", "invalid containerPort: 70000"],
  ["EXPOSE 90-80", "invalid containerPort: 90-80"],
  ["EXPOSE 80/foo", "invalid proto: foo"],
  ["USER a b", "USER requires exactly one argument"],
  ["USER", "USER requires exactly one argument"],
  ['VOLUME [""]', "VOLUME specified can not be an empty string"],
  ["ONBUILD ONBUILD RUN x", "Chaining ONBUILD"],
  ["ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"],
  ["HEALTHCHECK x", 'unknown type "x" in HEALTHCHECK (try CMD)'],
  ["HEALTHCHECK CMD", "missing command after HEALTHCHECK CMD"],
  ["HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"],
  ["HEALTHCHECK --interval=x CMD y", 'invalid duration "x"'],
  ["HEALTHCHECK --interval=1us CMD y", "cannot be less than 1ms"],
  ["HEALTHCHECK --interval=-1s CMD y", "cannot be less than 1ms"],
  ["HEALTHCHECK --foo=1 CMD y", "unknown flag: foo"],
  ["HEALTHCHECK --interval CMD y", "missing a value on flag: interval"],
];

describe("refuses", () => {
  for (const [instruction, message] of bad) {
    test(instruction, () => expect(() => apply(instruction)).toThrow(message));
  }
});

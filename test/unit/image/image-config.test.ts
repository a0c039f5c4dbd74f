import { describe, expect, test } from "bun:test";
import { digestOf, parseDiffID } from "../../../src/image/digest.ts";
import { parseImageConfig } from "../../../src/image/image-config.ts";

const diffID = parseDiffID(digestOf("layer"));
const minimal = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [diffID] } };

function parse(json: unknown) {
  return parseImageConfig(JSON.stringify(json));
}

describe("parseImageConfig", () => {
  test("fills in what an image need not say", () => {
    expect(parse(minimal)).toEqual({
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: [diffID] },
      history: [],
    });
  });

  test("keeps every key that docker acts on", () => {
    const config = {
      Env: ["PATH=/bin", "A="],
      Cmd: ["sh"],
      Entrypoint: ["/entry"],
      User: "1000:1000",
      WorkingDir: "/srv",
      ExposedPorts: { "80/tcp": {} },
      Volumes: { "/data": {} },
      Labels: { a: "b" },
      StopSignal: "SIGQUIT",
      Healthcheck: { Test: ["CMD", "true"], Interval: 30_000_000_000, Retries: 3 },
      Shell: ["/bin/sh", "-c"],
      OnBuild: ["RUN true"],
    };
    const history = [{ created: "2024-01-01T00:00:00Z", created_by: "sh", empty_layer: true }];
    const parsed = parse({
      ...minimal,
      created: "2024-01-01T00:00:00Z",
      author: "x",
      variant: "v8",
      config,
      history,
    });
    expect(JSON.parse(JSON.stringify(parsed.config))).toEqual(config);
    expect(parsed).toMatchObject({ history, created: "2024-01-01T00:00:00Z", author: "x", variant: "v8" });
  });

  test("takes Go's nulls for nothing", () => {
    const config = { Env: null, Cmd: null, Entrypoint: null, Volumes: null, Labels: null, Healthcheck: null };
    expect(parse({ ...minimal, config, history: null }).config).toEqual({});
    expect(parse({ ...minimal, config: null, rootfs: null }).rootfs.diff_ids).toEqual([]);
  });

  test("a label may have any name", () => {
    const parsed = parseImageConfig(
      `{"architecture":"a","os":"l","config":{"Labels":{"__proto__":"x","constructor":"y"}}}`,
    );
    expect(Object.entries(parsed.config.Labels ?? {})).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
  });

  test.each([
    [{ os: "linux" }, "image config: architecture is missing"],
    [{ ...minimal, config: [] }, "image config: config must be an object, not a list"],
    [{ ...minimal, config: { Env: ["a", 1] } }, "image config: config.Env[1] must be a string, not number"],
    [{ ...minimal, config: { Cmd: "sh" } }, "image config: config.Cmd must be a list, not string"],
    [{ ...minimal, config: { Labels: { a: 1 } } }, "config.Labels.a must be a string"],
    [
      { ...minimal, rootfs: { diff_ids: ["sha256:../x"] } },
      "rootfs.diff_ids[0]: invalid checksum digest length",
    ],
    [{ ...minimal, rootfs: { diff_ids: Array(600).fill(diffID) } }, "600 layers are more than 512"],
    [{ ...minimal, history: [1] }, "history[0] must be an object, not number"],
  ])("refuses %j", (json, message) => expect(() => parse(json)).toThrow(message));
});

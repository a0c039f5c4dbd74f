/** The config that commit makes of a container's and its image's. */
import { describe, expect, test } from "bun:test";

import { committedConfig } from "../../../src/engine/commit-config.ts";
import { parseSourceDateEpoch, renderCreated } from "../../../src/engine/image-time.ts";
import type { DiffID } from "../../../src/image/digest.ts";
import type { ImageConfig } from "../../../src/image/image-config.ts";
import { plainConfig } from "../spec/container-fixture.ts";

const base = `sha256:${"a".repeat(64)}` as DiffID;
const layer = `sha256:${"b".repeat(64)}` as DiffID;
const created = "2026-01-02T03:04:05.000Z";
const image: ImageConfig = {
  created: "2020-01-01T00:00:00Z",
  author: "somebody else",
  architecture: "arm64",
  variant: "v9",
  os: "linux",
  config: {
    Env: ["PATH=/bin", "A=image"],
    Cmd: ["serve"],
    Entrypoint: ["/init"],
    Labels: { from: "image", both: "image" },
    ExposedPorts: { "80/tcp": {} },
    Volumes: { "/data": {} },
    OnBuild: ["RUN x"],
    StopSignal: "SIGINT",
    Healthcheck: { Test: ["CMD", "image"], Retries: 7 },
  },
  rootfs: { type: "layers", diff_ids: [base] },
  history: [{ created_by: "base" }],
};
const container = { ...plainConfig, image: "x", command: ["run", "it"] };

test("the container's words over the image's, everything else kept", () => {
  const made = committedConfig(
    image,
    {
      ...container,
      env: ["A=mine", "B=2"],
      user: "7",
      health: { test: ["CMD-SHELL", "mine"], intervalNs: 5e9, onFailure: "kill" },
      workdir: "/w",
      labels: { both: "mine" },
      ports: [{ hostPort: 8080, containerPort: 443, protocol: "tcp" }],
      mounts: [
        { type: "volume", target: "/anonymous", readOnly: false, copy: true },
        { type: "volume", name: "named", target: "/named", readOnly: false, copy: true },
      ],
    },
    layer,
    { created, author: "me", message: "why", changes: ["ENV B=3", "STOPSIGNAL SIGHUP"] },
  );
  expect(made).toEqual({
    created,
    author: "me",
    architecture: "arm64",
    variant: "v9",
    os: "linux",
    config: {
      Env: ["A=mine", "B=3", "PATH=/bin"],
      Cmd: ["run", "it"],
      Entrypoint: ["/init"],
      User: "7",
      WorkingDir: "/w",
      Labels: { from: "image", both: "mine" },
      ExposedPorts: { "443/tcp": {}, "80/tcp": {} },
      Volumes: { "/anonymous": {}, "/data": {} },
      OnBuild: ["RUN x"],
      StopSignal: "SIGHUP",
      Healthcheck: { Test: ["CMD-SHELL", "mine"], Interval: 5e9, Retries: 7 },
    },
    rootfs: { type: "layers", diff_ids: [base, layer] },
    history: [{ created_by: "base" }, { created, created_by: "run it", author: "me", comment: "why" }],
  });
});

test("a container that changed no file adds no layer; what is empty is left out", () => {
  const plain = { ...image, config: {} };
  const made = committedConfig(plain, container, undefined, { created, changes: [] });
  expect(made.rootfs.diff_ids).toEqual([base]);
  expect(made.history.at(-1)).toEqual({ created, created_by: "run it", empty_layer: true });
  expect(made.config).toEqual({ Cmd: ["run", "it"] });
  expect(made.author).toBeUndefined();
});

describe("SOURCE_DATE_EPOCH", () => {
  test("is the time of the image", () => {
    expect(renderCreated(parseSourceDateEpoch("86400"))).toBe("1970-01-02T00:00:00.000Z");
    expect(parseSourceDateEpoch("")).toBeUndefined();
    expect(parseSourceDateEpoch(undefined)).toBeUndefined();
  });
  for (const text of ["x", "-1", "1.5", "1e9", " 1", "999999999999"]) {
    test(`${JSON.stringify(text)} is refused`, () =>
      expect(() => parseSourceDateEpoch(text)).toThrow("invalid SOURCE_DATE_EPOCH"));
  }
});

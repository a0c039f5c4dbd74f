/** Options of the local driver, as tables: what a container mounts for them, and what is refused. */
import { describe, expect, test } from "bun:test";
import { checkVolumeOptions, volumeSourceOf } from "../../../src/engine/volume-driver.ts";
import type { VolumeRecord } from "../../../src/state/record.ts";

const volume = (options: VolumeRecord["options"]): VolumeRecord => ({
  name: "data",
  driver: "local",
  labels: {},
  anonymous: false,
  options,
  createdAtMs: 1,
  mountpoint: "/v/data/_data",
});

describe("what is mounted", () => {
  test("without options the volume's own directory", () => {
    expect(volumeSourceOf(volume({}))).toBe("/v/data/_data");
  });

  test("a directory of the host, as the words say", () => {
    const bind = (o: string) => volumeSourceOf(volume({ type: "none", device: "/x", o }));
    expect(bind("bind")).toEqual({ type: "bind", source: "/x", options: ["bind", "rprivate"] });
    expect(bind("rbind,ro")).toEqual({ type: "bind", source: "/x", options: ["rbind", "ro", "rprivate"] });
    expect(bind("bind,ro,rw")).toEqual({ type: "bind", source: "/x", options: ["bind", "rprivate"] });
  });

  test("a tmpfs, without the defaults of --tmpfs", () => {
    const source = volumeSourceOf(volume({ type: "tmpfs", device: "tmpfs", o: "size=1m,noexec" }));
    expect(source).toMatchObject({ type: "tmpfs", source: "tmpfs" });
    const options = typeof source === "string" ? [] : source.options;
    expect(options.filter((word) => /exec|suid|dev|size/.test(word)).sort()).toEqual([
      "dev",
      "noexec",
      "size=1m",
      "suid",
    ]);
  });
});

describe("what is refused", () => {
  const cases: readonly (readonly [VolumeRecord["options"], string])[] = [
    [{ size: "1g" }, "create data: quota size requested but no quota support"],
    [{ type: "none", device: "" }, 'create data: missing required option: "device"'],
    [{ type: "none", device: "/x", o: "bind,bogus" }, 'create data: invalid mount option "bogus"'],
    [{ type: "ext4", device: "/dev/sda" }, 'create data: type "ext4" cannot be mounted by this engine'],
    [{ kind: "x" }, 'create data: invalid option: "kind"'],
  ];
  for (const [options, phrase] of cases) {
    test(JSON.stringify(options), () => expect(() => checkVolumeOptions("data", options)).toThrow(phrase));
  }

  test("and what is not", () => {
    checkVolumeOptions("data", {});
    checkVolumeOptions("data", { type: "tmpfs", device: "tmpfs" });
    checkVolumeOptions("data", { type: "none", device: "/x", o: "bind" });
  });
});

/** The storage driver that a user asks for: its names, its sources, and what is refused with a reason. */
import { describe, expect, test } from "bun:test";
import { parseEngineFile } from "../../../src/config/engine-file.ts";
import { resolveEngineSettings } from "../../../src/config/engine-settings.ts";
import { parseStorageDriver } from "../../../src/config/storage-driver.ts";
import { BockerError } from "../../../src/errors.ts";

test.each([
  ["auto", "auto"],
  ["overlay", "overlay"],
  ["overlay2", "overlay"],
  ["btrfs", "btrfs"],
  ["vfs", "vfs"],
])("%s is %s", (text, setting) => {
  expect<string>(parseStorageDriver(text)).toBe(setting);
});

test.each([
  ["aufs", 'the storage driver "aufs" is gone: no kernel has aufs any more'],
  ["zfs", 'unknown storage driver "zfs"'],
  ["Overlay", 'unknown storage driver "Overlay"'],
  ["constructor", 'unknown storage driver "constructor"'],
])("%s is refused", (text, message) => {
  expect(() => parseStorageDriver(text)).toThrow(message);
});

describe("sources", () => {
  const file = (text: string) => parseEngineFile(Buffer.from(text), "engine.toml", {});

  test("flag over variable over file over auto", () => {
    const inFile = file('storage-driver = "btrfs"');
    const env = { BOCKER_STORAGE_DRIVER: "vfs" };
    expect(resolveEngineSettings({}, {}, {}).storageDriver).toBe("auto");
    expect(resolveEngineSettings(inFile, {}, {}).storageDriver).toBe("btrfs");
    expect(resolveEngineSettings(inFile, {}, env).storageDriver).toBe("vfs");
    expect(resolveEngineSettings(inFile, { storageDriver: "overlay2" }, env).storageDriver).toBe("overlay");
    expect(resolveEngineSettings(inFile, {}, { BOCKER_STORAGE_DRIVER: "" }).storageDriver).toBe("btrfs");
  });

  test("a file's mistake is shown with its place", () => {
    expect(() => file('root = "/x"\nstorage-driver = "aufs"')).toThrow(BockerError);
    expect(() => file('root = "/x"\nstorage-driver = "aufs"')).toThrow(
      /engine\.toml:2:\d+[\s\S]*aufs any more/,
    );
    expect(() => file("storage-driver = 7")).toThrow("must be a string");
  });
});

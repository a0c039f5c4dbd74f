/** Options of block devices: docker's words for what is wrong, and back. */
import { describe, expect, test } from "bun:test";
import {
  parseDeviceBps,
  parseDeviceIops,
  parseDeviceWeight,
  renderDeviceBps,
  renderDeviceIops,
  renderDeviceWeight,
} from "../../../src/config/block-io-spec.ts";
import { parseStorageSize } from "../../../src/config/storage-size.ts";

describe("devices", () => {
  test("are read with their value", () => {
    expect(parseDeviceBps("/dev/sda:1mb")).toEqual({ path: "/dev/sda", rate: 1024 * 1024 });
    expect(parseDeviceBps("/dev/sda:0")).toEqual({ path: "/dev/sda", rate: 0 });
    expect(parseDeviceIops("/dev/sda:100")).toEqual({ path: "/dev/sda", rate: 100 });
    expect(parseDeviceWeight("/dev/sda:0")).toEqual({ path: "/dev/sda", weight: 0 });
    expect(parseDeviceWeight("/dev/sda:1000")).toEqual({ path: "/dev/sda", weight: 1000 });
  });

  test.each(["/dev/sda:1536", "/dev/sda:64k", "/dev/sda:0"])("%s is written back as it is meant", (text) => {
    const device = parseDeviceBps(text);
    expect(parseDeviceBps(renderDeviceBps(device))).toEqual(device);
  });

  test("numbers are written back", () => {
    expect(renderDeviceIops({ path: "/dev/sda", rate: 9 })).toBe("/dev/sda:9");
    expect(renderDeviceWeight({ path: "/dev/sda", weight: 9 })).toBe("/dev/sda:9");
  });

  test.each<[(text: string) => unknown, string, string]>([
    [parseDeviceBps, "x", "bad format: x"],
    [parseDeviceBps, ":1", "bad format: :1"],
    [parseDeviceBps, "sda:1", "bad format for device path: sda:1"],
    [
      parseDeviceBps,
      "/dev/sda:x",
      "invalid rate for device: /dev/sda:x. The correct format is <device-path>:<number>[<unit>]",
    ],
    [parseDeviceBps, "/dev/sda:", "invalid rate for device: /dev/sda:."],
    [
      parseDeviceIops,
      "/dev/sda:1k",
      "invalid rate for device: /dev/sda:1k. The correct format is <device-path>:<number>.",
    ],
    [parseDeviceIops, "/dev/sda:-1", "invalid rate for device: /dev/sda:-1."],
    [parseDeviceWeight, "/dev/sda:9", "invalid weight for device: /dev/sda:9"],
    [parseDeviceWeight, "/dev/sda:1001", "invalid weight for device: /dev/sda:1001"],
    [parseDeviceWeight, "/dev/sda:x", "invalid weight for device: /dev/sda:x"],
  ])("%p refuses %s", (parse, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

test("the size of a root file system", () => {
  expect(parseStorageSize("size=10G")).toBe(10 * 1024 ** 3);
  expect(parseStorageSize("SIZE=4096")).toBe(4096);
  expect(() => parseStorageSize("10G")).toThrow("invalid storage option");
  expect(() => parseStorageSize("quota=1")).toThrow("Unknown option quota");
  expect(() => parseStorageSize("size=0")).toThrow("invalid size: '0'");
  expect(() => parseStorageSize("size=x")).toThrow("invalid size");
});

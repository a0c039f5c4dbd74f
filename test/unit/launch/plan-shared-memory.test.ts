/** Another container's /dev/shm is cloned where it is mounted, and init is back in its own tree before anything else. */
import { expect, test } from "bun:test";
import { planStart } from "../../../src/launch/plan-start.ts";
import { context, mounts, specOf } from "./start-context.ts";

const shared = (source: string) => {
  const own = { destination: "/dev/shm", type: "bind", source, options: ["bind", "rw"] };
  const others = mounts.filter(({ destination }) => destination !== "/dev/shm");
  return planStart(specOf({ spec: { mounts: [...others, own] } }), context).operations;
};

test("setns to the other's mounts, a clone, setns back", () => {
  const operations = shared("/proc/77/root/dev/shm");
  const first = operations.findIndex((each) => each.call === "setns");
  const around = operations.slice(first - 2, first + 5);
  // Names of descriptors have a number behind them.
  const about = (each: object): string =>
    "path" in each ? `${each.path}` : "fd" in each ? `${each.fd}`.replace(/\.\d+$/, "") : "";
  expect(around.map((each) => `${each.call} ${about(each)}`)).toEqual([
    "openat /proc/self/ns/mnt",
    "openat /proc/77/ns/mnt",
    "setns other-mounts",
    "open_tree /dev/shm",
    "setns own-mounts",
    "close other-mounts",
    "close own-mounts",
  ]);
  expect(operations.filter(({ call }) => call === "setns")).toHaveLength(2);
});

test("every other source is cloned from the host's tree", () => {
  for (const source of ["/dev/shm", "/proc/77/root/dev/shm/x", "/proc/self/root/dev/shm"]) {
    const operations = shared(source);
    expect(operations.some(({ call }) => call === "setns")).toBe(false);
    expect(operations.some((each) => each.call === "open_tree" && each.path === source)).toBe(true);
  }
});

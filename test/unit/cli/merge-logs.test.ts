import { expect, test } from "bun:test";
import { mergeLogs } from "../../../src/cli/merge-logs.ts";
import type { ContainerLog } from "../../../src/engine/container-logs.ts";

/** A log of entries at these hundredths of a second, in batches. */
function logOf(name: string, ...batches: readonly (readonly number[])[]): ContainerLog {
  async function* entries() {
    for (const batch of batches) {
      yield batch.map((at) => {
        const time = `2026-01-01T00:00:00.${String(at).padStart(2, "0")}`.replace(/\.?0+$/, "");
        return { stream: "stdout" as const, time: `${time}Z`, text: `${name}${at}\n` };
      });
    }
  }
  return { id: name, name, batches: entries() };
}

async function merged(...logs: readonly ContainerLog[]): Promise<string[]> {
  const texts: string[] = [];
  for await (const { entries } of mergeLogs(logs))
    texts.push(entries.map(({ text }) => text.trim()).join(" "));
  return texts;
}

test("logs are merged by time, over the ends of their batches", async () => {
  const left = logOf("a", [1, 2, 10], [20], [], [40]);
  const right = logOf("b", [3], [4, 30, 50]);
  expect((await merged(left, right)).join(" ").split(" ")).toEqual([
    "a1",
    "a2",
    "b3",
    "b4",
    "a10",
    "a20",
    "b30",
    "a40",
    "b50",
  ]);
});

test("neighbours of one log come as one run; of equal times the first log's is first", async () => {
  expect(await merged(logOf("a", [1, 2, 3]), logOf("b", [3, 4]))).toEqual(["a1 a2", "a3", "b3 b4"]);
});

test("empty logs and none are no trouble", async () => {
  expect(await merged()).toEqual([]);
  expect(await merged(logOf("a"), logOf("b", []), logOf("c", [1]))).toEqual(["c1"]);
});

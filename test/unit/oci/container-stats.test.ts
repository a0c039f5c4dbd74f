/** The line of `events` from files as the kernel writes them: no digit of a limit is lost. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderStatsEvent } from "../../../src/oci/container-stats.ts";

function eventFrom(version: 1 | 2, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync("/tmp/bocker-test-");
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), `${text}\n`);
    const controllers = ["cpu", "cpuacct", "memory", "pids"];
    return renderStatsEvent("box", { path: "/box", directories: [{ version, directory, controllers }] });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("v2: no limit is 2^64-1, which Go's uint64 takes, and not the double next to it", () => {
  const line = eventFrom(2, {
    "memory.current": "4096",
    "memory.max": "max",
    "memory.swap.current": "0",
    "memory.swap.max": "1048576",
    "memory.stat": "anon 12\nfile 34",
  });
  expect(line).toStartWith('{"type":"stats","id":"box","data":{');
  expect(line).toContain('"cache":34,"usage":{"limit":18446744073709551615,"usage":4096}');
  expect(line).toContain('"swap":{"limit":1048576,"usage":0}');
  expect(line).toContain('"raw":{"anon":12,"file":34}');
});

test("v1: no limit is the kernel's number of whole pages", () => {
  const line = eventFrom(1, {
    "memory.usage_in_bytes": "8192",
    "memory.limit_in_bytes": "9223372036854771712",
    "memory.failcnt": "3",
    "memory.stat": "cache 56\nhierarchical_memory_limit 9223372036854771712",
  });
  expect(line).toContain('"usage":{"limit":9223372036854771712,"usage":8192,"failcnt":3}');
  expect(line).toContain('"raw":{"cache":56,"hierarchical_memory_limit":9223372036854771712}');
});

import { expect, test } from "bun:test";
import { parsePsOutput } from "../../../src/engine/list-processes.ts";
import { readProcessTable } from "../../../src/engine/process-table.ts";

const ps = [
  "UID          PID    PPID  C STIME TTY          TIME CMD",
  "root           1       0  0 10:00 ?        00:00:01 /sbin/init",
  "root          42       1  0 10:01 ?        00:00:00 sh -c  sleep 1",
  "-              -       -  0 10:01 -        00:00:00 -",
  "root          43      42  0 10:01 pts/0    00:00:00 sleep 1",
  "",
].join("\n");

test("only the container's processes stay, threads with them; the command keeps its words", () => {
  const { titles, rows } = parsePsOutput(ps, new Set([42]));
  expect(titles).toEqual(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
  expect(rows).toEqual([
    ["root", "42", "1", "0", "10:01", "?", "00:00:00", "sh -c sleep 1"],
    ["-", "-", "-", "0", "10:01", "-", "00:00:00", "-"],
  ]);
});

test("output without pids, or with another column of that name, is refused", () => {
  expect(() => parsePsOutput("USER COMMAND\nroot sh\n", new Set([1]))).toThrow(
    "Couldn't find PID field in ps output",
  );
  expect(() => parsePsOutput("COMMAND PID\nsh x\n", new Set([1]))).toThrow("Unexpected pid 'x'");
});

test("from /proc: this very process, with its parent and its command", () => {
  const { titles, rows } = readProcessTable([process.pid, 4_194_303]);
  expect(rows.length).toBe(1);
  const row = Object.fromEntries(titles.map((title, index) => [title, rows[0]?.[index] ?? ""]));
  expect(row).toMatchObject({ PID: String(process.pid), PPID: String(process.ppid) });
  expect(row.CMD).toContain("bun");
  expect(row.STIME).toMatch(/^(\d\d:\d\d|[A-Z][a-z]{2}\d\d)$/);
  expect(row.TIME).toMatch(/^\d\d:\d\d:\d\d$/);
});

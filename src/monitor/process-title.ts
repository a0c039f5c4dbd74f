/**
 * What ps shows for a monitor: `bocker monitor 0123456789ab`.
 *
 * The id is not known when the monitor is born, so it gets a placeholder of the same length as an argument, and
 * writes over it in its own memory. (process.title of Bun 1.4.5 changes nothing that ps can see: measured.)
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { monitorTitlePlaceholder } from "./monitor-process.ts";

/** Puts the short id where the placeholder is. Does nothing when there is none: it is only a name. */
export function showContainerInTitle(id: string): void {
  const argumentBytes = readFileSync("/proc/self/cmdline");
  const at = argumentBytes.lastIndexOf(monitorTitlePlaceholder);
  if (at < 0) return;
  const memory = openSync("/proc/self/mem", "r+");
  try {
    writeSync(memory, Buffer.from(id.slice(0, 12)), 0, 12, argumentStart() + at);
  } finally {
    closeSync(memory);
  }
}

/** Field 48 of /proc/self/stat, arg_start: below 2^47, exact as a number. See proc_pid_stat(5). */
function argumentStart(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[45]);
}

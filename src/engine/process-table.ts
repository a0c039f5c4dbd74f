/**
 * The columns of `ps -ef` from /proc, for a host that has no ps. See proc_pid_stat(5), proc_pid_status(5).
 */
import { readFileSync } from "node:fs";
import { nowMs, sinceBootMs } from "../host/clock.ts";

export interface ProcessTable {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const titles = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"] as const;
const ticksPerSecond = 100;

/** One row a process, by pid; those that have gone meanwhile are left out. */
export function readProcessTable(pids: readonly number[]): ProcessTable {
  const users = userNames();
  const rows = pids.toSorted((left, right) => left - right).flatMap((pid) => readRow(pid, users));
  return { titles, rows };
}

function readRow(pid: number, users: ReadonlyMap<string, string>): (readonly string[])[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "?";
    const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replace(/\0+$/, "").replaceAll("\0", " ");
    const field = (number: number): number => Number(fields[number - 3] ?? 0);
    const cpuSeconds = (field(14) + field(15)) / ticksPerSecond;
    const ageSeconds = Math.max(sinceBootMs() / 1000 - field(22) / ticksPerSecond, 0.01);
    return [
      [
        users.get(uid) ?? uid,
        String(pid),
        String(field(4)),
        String(Math.min(Math.trunc((cpuSeconds / ageSeconds) * 100), 99)),
        renderStart(nowMs() - ageSeconds * 1000),
        renderTty(field(7)),
        renderCpuTime(cpuSeconds),
        command === "" ? `[${name}]` : command,
      ],
    ];
  } catch {
    return [];
  }
}

/** ps knows users by the host's names. */
function userNames(): ReadonlyMap<string, string> {
  try {
    const lines = readFileSync("/etc/passwd", "utf8").split("\n");
    return new Map(
      lines.map((line) => line.split(":")).map(([name = "", , uid = ""]) => [uid, name.slice(0, 8)]),
    );
  } catch {
    return new Map();
  }
}

/** `14:05` within a day, else `Nov21`. */
function renderStart(startMs: number): string {
  const start = new Date(startMs);
  if (nowMs() - startMs >= 86_400_000) {
    return `${start.toLocaleString("en-US", { month: "short" })}${String(start.getDate()).padStart(2, "0")}`;
  }
  return [start.getHours(), start.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
}

/** tty_nr: 136 to 143 are the majors of pseudo-terminals. */
function renderTty(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  return major === 4 ? `tty${minor}` : "?";
}

function renderCpuTime(seconds: number): string {
  const whole = Math.trunc(seconds);
  return [Math.trunc(whole / 3600), Math.trunc(whole / 60) % 60, whole % 60]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

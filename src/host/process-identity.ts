/**
 * Telling a process from any other that had, or will have, its pid.
 *
 * A bare pid is never trusted or signalled: it is compared with its start time first. Reads /proc only; signals
 * go through a pidfd in ffi/. See proc_pid_stat(5).
 */
import { readFileSync } from "node:fs";
import { bootId } from "./clock.ts";

/** include/linux/sched.h */
const PF_EXITING = 0x4;

/** Pids are reused; (boot, pid, start time) is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks after boot. */
  readonly startTicks: string;
  /** /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
}

export interface ProcessStat {
  /** One letter, `R`, `S`, `Z` … */
  readonly state: string;
  readonly parentPid: number;
  /** The pid of the session's leader. */
  readonly session: number;
  /** Has begun to end: its files and namespaces go before it is a zombie. */
  readonly isExiting: boolean;
  readonly startTicks: string;
}

/**
 * Parses a line of /proc/PID/stat. The command name may hold spaces and parentheses, so fields are counted from
 * the last `)`. Undefined when the line is not one.
 */
export function parseProcessStat(line: string): ProcessStat | undefined {
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [state, parentPid, , session, , , flags] = fields;
  const startTicks = fields[19];
  if (!line.includes(")") || state === undefined || parentPid === undefined || startTicks === undefined) {
    return undefined;
  }
  return {
    state,
    parentPid: Number(parentPid),
    session: Number(session),
    isExiting: (Number(flags) & PF_EXITING) !== 0,
    startTicks,
  };
}

/** The stat of a process, zombies included; undefined when there is none of that pid. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/** The identity of the process that has `pid` now; undefined when there is none. */
export function readProcessIdentity(pid: number): ProcessIdentity | undefined {
  const stat = readProcessStat(pid);
  return stat === undefined ? undefined : { pid, startTicks: stat.startTicks, bootId: bootId() };
}

/** Whether that very process still runs. A zombie does not: it has exited and only waits to be reaped. */
export function isProcessAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  const stat = readProcessStat(identity.pid);
  return (
    stat !== undefined && stat.startTicks === identity.startTicks && stat.state !== "Z" && stat.state !== "X"
  );
}

/** Whether that process has ended or has begun to: what is left of it goes piece by piece. */
export function isProcessEnding(identity: ProcessIdentity): boolean {
  return !isProcessAlive(identity) || readProcessStat(identity.pid)?.isExiting !== false;
}

/** Whether two identities are of the same process. */
export function isSameProcess(left: ProcessIdentity, right: ProcessIdentity): boolean {
  return left.pid === right.pid && left.startTicks === right.startTicks && left.bootId === right.bootId;
}

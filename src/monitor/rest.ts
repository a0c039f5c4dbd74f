/**
 * Making a monitor small: it becomes a fresh process image that knows only how to wait.
 *
 * Starting a container loads the engine, the database and the launcher: 7 MB of private memory that is not needed again
 * before the end, and that no collector gives back (measured). So the monitor executes itself anew, with the container's
 * descriptors inherited and the rest of what it knows in a memfd; about 3 MB remain. Pid, children and session stay.
 * Only while nothing is under way in memory: no client, no unfinished line, no unwritten input.
 *
 *   monitor ── execve ──▶ resumed monitor ── container ends ──▶ engine loaded ──▶ settled
 */
import { readFileSync } from "node:fs";
import { execve, maskSignals, setCloseOnExec } from "../../ffi/exec.ts";
import { closeQuietly, writeAll } from "../../ffi/file.ts";
import { memfd_create } from "../../ffi/memfd.ts";
import { type NameService, nameSocketFds } from "../network/name-order.ts";
import type { PortSocket } from "../network/port-forwarders.ts";
import type { HostStdio } from "./container-stdio.ts";
import type { HealthSchedule } from "./health-timer.ts";
import type { LogTarget } from "./monitor-dependencies.ts";

/** Everything a resumed monitor has to know. */
export interface RestState {
  readonly id: string;
  readonly pidfd: number;
  readonly stdio: HostStdio;
  readonly stdinOnce: boolean;
  readonly log: LogTarget;
  readonly socketPath: string;
  readonly command: readonly string[];
  readonly health?: HealthSchedule;
  readonly deadlineMs?: number;
  readonly ports: readonly PortSocket[];
  readonly names?: NameService;
}

/** Names the memfd's descriptor in the environment of the resumed monitor. */
export const restVariable = "BOCKER_MONITOR_STATE";

/** JavaScriptCore's mode for small machines: 3.3 MB instead of 3.9; 200 MB of log cost 1 s of CPU time, not 0.8 (measured). */
const smallVariable = "BUN_JSC_forceMiniVMMode";

/** SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGIO: would end the process before its handlers are there again. */
const heldSignals = [1, 2, 3, 10, 12, 15, 29] as const;

/**
 * Becomes the resumed monitor. Returns only when that was not possible; everything is then as before.
 * The executable is /proc/self/exe, so that an upgrade on disk does not change the one that runs.
 */
export function restNow(state: RestState): void {
  const stateFd = memfd_create("bocker-monitor", 0);
  const fds = [stateFd, ...descriptorsOf(state)];
  try {
    writeAll(stateFd, Buffer.from(JSON.stringify(state)));
    maskSignals(heldSignals, true);
    for (const fd of fds) setCloseOnExec(fd, false);
    execve("/proc/self/exe", [...state.command, state.id.slice(0, 12)], {
      ...process.env,
      [restVariable]: String(stateFd),
      [smallVariable]: "1",
    });
  } catch {
    for (const fd of fds) setCloseOnExec(fd, true);
    closeQuietly(stateFd);
    maskSignals(heldSignals, false);
  }
}

/** What the process was before; undefined in one that was not resumed. Takes the descriptors into its care. */
export function takeRestState(): RestState | undefined {
  const stateFd = Number(process.env[restVariable]);
  if (!Number.isInteger(stateFd)) return undefined;
  for (const name of [restVariable, smallVariable]) delete process.env[name];
  const state = JSON.parse(readFileSync(`/proc/self/fd/${stateFd}`, "utf8")) as RestState;
  closeQuietly(stateFd);
  for (const fd of descriptorsOf(state)) setCloseOnExec(fd, true);
  return state;
}

/** Once the handlers are in place. */
export function releaseHeldSignals(): void {
  maskSignals(heldSignals, false);
}

function descriptorsOf({ pidfd, stdio, ports, names }: RestState): readonly number[] {
  const nameFds = names === undefined ? [] : nameSocketFds(names.sockets);
  return [pidfd, ...streamsOf(stdio), ...ports.map(({ fd }) => fd), ...nameFds];
}

function streamsOf(stdio: HostStdio): readonly number[] {
  if (stdio.kind === "pty") return [stdio.master];
  return stdio.stdin === undefined ? [stdio.stdout, stdio.stderr] : [stdio.stdin, stdio.stdout, stdio.stderr];
}

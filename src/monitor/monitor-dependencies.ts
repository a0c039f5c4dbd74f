/**
 * What the monitor is given by main.ts, so that it knows nothing of images, plans or the database.
 *
 * Types only.
 */
import type { WindowSize } from "../../ffi/tty.ts";
import type { LogConfig } from "../config/container-config.ts";
import type { NameService } from "../network/name-order.ts";
import type { PortForwarders } from "../network/port-forwarders.ts";
import type { HostStdio } from "./container-stdio.ts";
import type { HealthSchedule } from "./health-timer.ts";

export interface MonitorDependencies {
  /**
   * Starts the container's process and records that it runs. The monitor then owns `stdio`. When it throws,
   * everything is undone and recorded already; a BockerError reaches the user as it is.
   */
  startContainer(id: string, options: StartOptions): Promise<StartedContainer>;
  /**
   * Records the end of a container and gives back what it held; removes it when that was asked. Called once a run,
   * after all output is in the log.
   */
  settleExit(id: string, exit: ProcessExit): Promise<Settlement>;
  /**
   * Waits `delayMs` and starts the container again. Undefined: it was stopped meanwhile, or could not be started; that is
   * recorded already.
   */
  restartContainer(id: string, delayMs: number): Promise<StartedContainer | undefined>;
  /** Lets a paused container go on, so that a signal reaches it. */
  thawContainer(id: string): Promise<void>;
}

/** What follows the end of a run. */
export interface Settlement {
  /** What went wrong while cleaning up, one line. */
  readonly warning?: string;
  /** The pause before the restart policy starts it again; absent: the container has ended. */
  readonly restartInMs?: number;
}

export interface StartOptions {
  /** Of the first client's terminal, to be set before the process can ask. */
  readonly size?: WindowSize;
  /** Somebody watches from the first moment. */
  readonly isAttached?: true;
}

export interface StartedContainer {
  /** Of our own opening; see makePipes. A pty's master, when the container has a terminal. */
  readonly stdio: HostStdio;
  readonly process: MonitoredProcess;
  /**
   * stdin ends for good when a client that gives input ends its own or leaves (-i). Counts only when the container was
   * started with such a client: after `run -d -i` stdin stays open.
   */
  readonly stdinOnce: boolean;
  readonly log: LogTarget;
  /**
   * Lets the monitor become a smaller process while the container just runs (rest.ts): the process's pidfd, and the
   * command that starts this program as a monitor. Absent: something in this process is needed until the end.
   */
  readonly rest?: { readonly pidfd: number; readonly command: readonly string[] };
  readonly health?: HealthSchedule;
  /** The container's resolver; its sockets are the monitor's then. */
  readonly names?: NameService;
  /** The published ports; disposed of before the end is settled. Absent: none yet. */
  readonly ports?: PortForwarders;
  /** When the run is to be killed, on the clock of sinceBootMs; absent: never. */
  readonly deadlineMs?: number;
  /** Where clients attach: `…/containers/ID/attach.sock`; the folder is made when it is missing. */
  readonly socketPath: string;
}

export interface MonitoredProcess {
  /** Kept when the process has been reaped. */
  readonly exited: Promise<ProcessExit>;
  /** Sends a signal by number; does nothing once the process has ended. */
  signal(signal: number): void;
}

export interface ProcessExit {
  /** As docker's: the process's own, or 128 plus the signal's number. */
  readonly exitCode: number;
  /** The signal that ended it. */
  readonly signal?: number;
}

export interface LogTarget extends Pick<LogConfig, "driver" | "maxSizeBytes" | "maxFiles"> {
  /** The live file; older ones are `PATH.1`, `PATH.2` … */
  readonly path: string;
  /** What each entry says beside its text, where the driver has a place for that. */
  readonly attributes?: Readonly<Record<string, string>>;
}

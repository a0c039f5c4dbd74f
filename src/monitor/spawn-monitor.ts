/**
 * Starting a monitor from the command line, long before it is known what it shall do.
 *
 * The monitor boots while the command is still being parsed and the image resolved. It is in a session of its own, has
 * no descriptor of the user's, and holds one end of a socket pair; when the other end closes before an order
 * came (a usage error, a killed CLI), it leaves without a trace.
 */
import { closeQuietly } from "../../ffi/file.ts";
import { type MonitorProcess, startMonitorProcess } from "./monitor-process.ts";
import { openStarted } from "./open-session.ts";
import type { StartOrder } from "./protocol.ts";
import type { RemoteSession } from "./remote-session.ts";

export interface MonitorHandle {
  readonly pid: number;
  /**
   * Orders the one container this monitor is for. The session begins with the first byte of output. Without
   * `attach` in the order, detach() right away: the container goes on.
   * Rejects with the BockerError that starting it ended in, exit code and hint kept.
   */
  start(order: StartOrder): Promise<RemoteSession>;
  /** Lets the monitor go without an order. Does nothing once start() was called. */
  dismiss(): void;
}

/** Starts `command` (`bocker monitor`) and gives the end of its channel. Costs about 1 ms. */
export function spawnMonitor(command: readonly string[]): MonitorHandle {
  return monitorHandle(startMonitorProcess(command));
}

/** Speaks to a monitor that was started before; its descriptor is the handle's from now on. */
export function monitorHandle({ pid, channelFd }: MonitorProcess): MonitorHandle {
  let used = false;
  return {
    pid,
    start: (order) => {
      used = true;
      return openStarted(channelFd, order);
    },
    dismiss: () => {
      if (used) return;
      used = true;
      closeQuietly(channelFd);
    },
  };
}

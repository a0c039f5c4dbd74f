/**
 * Starting a monitor from the command line, long before it is known what it shall do.
 *
 * The monitor boots while the command is still being parsed and the image resolved. It is in a session of its own, has
 * no descriptor of the user's, and holds one end of a socket pair; when the other end closes before an order
 * came (a usage error, a killed CLI), it leaves without a trace.
 */
import { closeQuietly } from "../../ffi/file.ts";
import { socketpair } from "../../ffi/socket.ts";
import { spawnDetached } from "../host/run-command.ts";
import { Channel } from "./channel.ts";
import { openStarted } from "./open-session.ts";
import { monitorTitlePlaceholder } from "./process-title.ts";
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

/** The descriptor on which a monitor finds its channel. */
export const monitorChannelFd = 3;

/**
 * Starts `command` (`bocker monitor`, see src/host/self-command.ts) and gives the end of its channel.
 * Costs about 1 ms and does not keep this process alive.
 */
export function spawnMonitor(command: readonly string[]): MonitorHandle {
  const [ours, theirs] = socketpair();
  let pid: number;
  try {
    const argv = [...command, monitorTitlePlaceholder];
    pid = spawnDetached(argv, { stdio: ["ignore", "ignore", "ignore", theirs], cwd: "/" }).pid;
  } catch (error) {
    closeQuietly(ours);
    throw error;
  } finally {
    closeQuietly(theirs);
  }
  let used = false;
  return {
    pid,
    start: async (order) => {
      used = true;
      return openStarted(await Channel.connect({ fd: ours }), order);
    },
    dismiss: () => {
      if (used) return;
      used = true;
      closeQuietly(ours);
    },
  };
}

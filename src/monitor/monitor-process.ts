/**
 * A monitor that has only just been started: a process, and the end of its channel. What is said on it is
 * spawn-monitor.ts's; this is what `run` does first of all, and so imports next to nothing.
 */
import { closeQuietly } from "../../ffi/file.ts";
import { socketpair } from "../../ffi/socket.ts";
import { spawnDetached } from "../host/spawn-detached.ts";

export interface MonitorProcess {
  readonly pid: number;
  /** Our end of the socket pair, the caller's. When it closes before an order came, the monitor leaves. */
  readonly channelFd: number;
}

/** The descriptor on which a monitor finds its channel. */
export const monitorChannelFd = 3;

/** The last argument of a monitor, as long as the short container id that ps is to show there (process-title.ts). */
export const monitorTitlePlaceholder = "-".repeat(12);

/** Starts `command` (`bocker monitor`, see src/host/self-command.ts). Does not keep this process alive. */
export function startMonitorProcess(command: readonly string[]): MonitorProcess {
  const [ours, theirs] = socketpair();
  try {
    const argv = [...command, monitorTitlePlaceholder];
    const { pid } = spawnDetached(argv, { stdio: ["ignore", "ignore", "ignore", theirs], cwd: "/" });
    return { pid, channelFd: ours };
  } catch (error) {
    closeQuietly(ours);
    throw error;
  } finally {
    closeQuietly(theirs);
  }
}

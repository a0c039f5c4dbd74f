/**
 * Handing a descriptor to whoever listens on a socket of the caller's: one message, the descriptor with it.
 *
 * --console-socket gets a terminal's master end, --pidfd-socket the process's pidfd; the data is a name, as runc sends them.
 */
import { connectUnix, sendDescriptors } from "../../ffi/unix-socket.ts";
import { BockerError, messageOf } from "../errors.ts";

/** Connects first, so that nothing is started for a descriptor that nobody takes; undefined: none was asked for. The caller's. */
export function openPeerSocket(kind: "console" | "pidfd", path: string | undefined): number | undefined {
  if (path === undefined) return undefined;
  try {
    return connectUnix(path);
  } catch (cause) {
    throw new BockerError(`cannot connect to ${kind} socket ${JSON.stringify(path)}: ${messageOf(cause)}`, {
      kind: "host",
      cause,
    });
  }
}

/** Sends a copy of the master. */
export function sendConsole(socket: number, master: number): void {
  sendDescriptors(socket, Buffer.from("/dev/ptmx"), [master]);
}

/** Sends a copy of the process's pidfd, where somebody asked for it. */
export function sendPidfd(socket: number | undefined, pidfd: number): void {
  if (socket !== undefined) sendDescriptors(socket, Buffer.from("pidfd"), [pidfd]);
}

/**
 * A terminal needs somebody at its other end, and a socket is only for terminals: runc's two refusals.
 * `detached`: the command returns before the process ends.
 */
export function checkConsole(terminal: boolean, socket: string | undefined, detached: boolean): void {
  if (terminal && detached && socket === undefined) {
    throw new BockerError("cannot allocate tty if the runtime will detach without setting console socket", {
      kind: "usage",
      hint: "set process.terminal to false, or pass --console-socket",
    });
  }
  if (socket !== undefined && !(terminal && detached)) {
    throw new BockerError("cannot use console socket if the runtime will not detach or allocate tty", {
      kind: "usage",
      hint: "it takes --detach (or create) and process.terminal",
    });
  }
}

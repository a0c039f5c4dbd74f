/**
 * The user's side of a container that run, start -a or exec is attached to.
 */
import type { ClientOptions, StandardStream } from "../config/client-options.ts";
import type { ContainerConfig } from "../config/container-config.ts";
import type { ClientEvents } from "../engine/client-events.ts";
import type { AttachRequest, Session } from "../engine/run-container.ts";
import { type AttachOptions, currentWindowSize, runAttached } from "../terminal/run-attached.ts";

type Wanted = Pick<ContainerConfig, "interactive" | "tty">;

/** What to attach: what -a names, else output always and stdin with -i. */
export function attachRequestFor(config: Wanted, attach: readonly StandardStream[]): AttachRequest {
  const wants = (stream: StandardStream): boolean => attach.length === 0 || attach.includes(stream);
  const size = config.tty ? currentWindowSize() : undefined;
  return {
    stdin: config.interactive && wants("stdin"),
    stdout: wants("stdout"),
    stderr: wants("stderr"),
    ...(size === undefined ? {} : { size }),
  };
}

/** Stays until the process ends or the user detaches; gives the exit code. */
export async function attachAndWait(
  session: Session,
  request: AttachRequest,
  options: Wanted &
    Pick<ClientOptions, "detachKeys"> &
    Pick<AttachOptions, "sigProxy"> &
    Partial<ClientEvents>,
): Promise<number> {
  const result = await runAttached(session, {
    stdin: request.stdin,
    tty: options.tty,
    sigProxy: options.sigProxy,
    ...(options.detachKeys === undefined ? {} : { detachKeys: options.detachKeys }),
    brokenOutput: "close",
    ...(options.resized === undefined ? {} : { resized: options.resized }),
  });
  if (result.kind === "exited") return result.exitCode;
  options.detached?.();
  return 0;
}

/**
 * `run CONTAINER`: create and start at once; unless detached, waits, passes signals on and deletes it at the end.
 */
import { close } from "../../../ffi/file.ts";
import { createContainer, letGo } from "../create-container.ts";
import { deleteContainer } from "../delete-container.ts";
import { holdSignals, waitForeground } from "../foreground.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";

/** The exit code is the process's, 0 when detached. */
export async function run(context: OciContext, invocation: OciInvocation): Promise<number> {
  const { options } = invocation;
  const [id = ""] = invocation.arguments;
  if (options.flag("dry-run")) {
    const { printDryRun } = await import("../dry-run.ts");
    return printDryRun(context, id, options);
  }
  const detached = options.flag("detach");
  if (detached) {
    letGo(await createContainer(context, id, options, { start: true, detached }));
    return 0;
  }
  using signals = holdSignals();
  const created = await createContainer(context, id, options, { start: true, detached });
  const exitCode = await waitForeground(created.process, created.master, signals);
  close(created.process.pidfd);
  if (!options.flag("keep")) await deleteContainer(context, id, false);
  return exitCode;
}

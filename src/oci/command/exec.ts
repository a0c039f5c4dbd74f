/**
 * `exec CONTAINER COMMAND…`: a further process in a container; in the foreground its exit code is ours.
 */
import { close, closeQuietly } from "../../../ffi/file.ts";
import { execProcess } from "../exec-process.ts";
import { holdSignals, waitForeground } from "../foreground.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";

export async function run(context: OciContext, invocation: OciInvocation): Promise<number> {
  const { options } = invocation;
  const [id = "", ...args] = invocation.arguments;
  const detached = options.flag("detach");
  using signals = detached ? undefined : holdSignals();
  const { process, master } = await execProcess(context, id, args, options);
  try {
    if (signals !== undefined) return await waitForeground(process, master, signals);
    closeQuietly(master);
    return 0;
  } finally {
    close(process.pidfd);
  }
}

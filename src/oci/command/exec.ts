/**
 * `exec CONTAINER COMMAND…`: a further process in a container; in the foreground its exit code is ours.
 */
import { close, closeQuietly } from "../../../ffi/file.ts";
import { execProcess } from "../exec-process.ts";
import { waitForeground } from "../foreground.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";

export async function run(context: OciContext, invocation: OciInvocation): Promise<number> {
  const { options } = invocation;
  const [id = "", ...args] = invocation.arguments;
  const { process, master } = await execProcess(context, id, args, options);
  try {
    if (!options.flag("detach")) return await waitForeground(process, master);
    closeQuietly(master);
    return 0;
  } finally {
    close(process.pidfd);
  }
}

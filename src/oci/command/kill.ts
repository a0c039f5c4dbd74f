/**
 * `kill CONTAINER [SIGNAL]`: to its first process, or with --all to every process in its cgroup (runtime.md#kill).
 */
import { killContainer } from "../kill-container.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";

export async function run(context: OciContext, invocation: OciInvocation): Promise<number> {
  const [id = "", signal = "SIGTERM"] = invocation.arguments;
  await killContainer(context, id, signal, invocation.options.flag("all"));
  return 0;
}

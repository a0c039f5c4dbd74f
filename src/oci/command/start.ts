/**
 * `start CONTAINER`: the process that create left waiting goes on (runtime.md#start).
 */
import type { OciContext, OciInvocation } from "../oci-context.ts";
import { startContainer } from "../start-container.ts";

export async function run(context: OciContext, { arguments: [id = ""] }: OciInvocation): Promise<number> {
  await startContainer(context, id);
  return 0;
}

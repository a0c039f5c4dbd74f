/**
 * `create CONTAINER`: makes it and leaves its process waiting for start (runtime.md#create).
 */
import { createContainer, letGo } from "../create-container.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";

export async function run(
  context: OciContext,
  { options, arguments: [id = ""] }: OciInvocation,
): Promise<number> {
  letGo(await createContainer(context, id, options, { start: false, detached: true }));
  return 0;
}

/**
 * `resume CONTAINER`: what pause stopped goes on.
 */
import type { OciContext, OciInvocation } from "../oci-context.ts";
import { resumeContainer } from "../pause-container.ts";

export async function run(context: OciContext, { arguments: [id = ""] }: OciInvocation): Promise<number> {
  await resumeContainer(context, id);
  return 0;
}

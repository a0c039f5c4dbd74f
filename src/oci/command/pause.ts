/**
 * `pause CONTAINER`: every process of it stopped where it stands.
 */

import type { OciContext, OciInvocation } from "../oci-context.ts";
import { pauseContainer } from "../pause-container.ts";

export async function run(context: OciContext, { arguments: [id = ""] }: OciInvocation): Promise<number> {
  await pauseContainer(context, id);
  return 0;
}

/**
 * `delete CONTAINER`: removes what create made of one that has ended (runtime.md#delete).
 */
import { deleteContainer } from "../delete-container.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";

export async function run(context: OciContext, invocation: OciInvocation): Promise<number> {
  const [id = ""] = invocation.arguments;
  await deleteContainer(context, id, invocation.options.flag("force"));
  return 0;
}

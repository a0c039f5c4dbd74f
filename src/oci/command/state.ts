/**
 * `state CONTAINER`: the specification's state as JSON (runtime.md#query-state).
 */
import { stateOf, statusOf } from "../container-status.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";
import { printLine } from "../standard-output.ts";

export function run({ store }: OciContext, { arguments: [id = ""] }: OciInvocation): number {
  const record = store.load(id);
  printLine(JSON.stringify(stateOf(record, statusOf(store, record)), null, 2));
  return 0;
}

/**
 * `features`: what this runtime can do, as JSON.
 */
import { runtimeFeatures } from "../features.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";
import { printLine } from "../standard-output.ts";

export function run({ version }: OciContext, _invocation: OciInvocation): number {
  printLine(JSON.stringify(runtimeFeatures(process.arch, version), null, 4));
  return 0;
}

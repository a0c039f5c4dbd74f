/**
 * `update CONTAINER`: changes limits, by options or with --resources by JSON, which then counts alone as in runc.
 */
import { readFileSync } from "node:fs";
import { checkResources } from "../check-spec.ts";
import { parseJson } from "../load-bundle.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";
import { usage } from "../option.ts";
import { updateContainer } from "../update-container.ts";
import { resourcesOfOptions } from "../update-limits.ts";

export function run(context: OciContext, { options, arguments: [id = ""] }: OciInvocation): number {
  const file = options.value("resources");
  const resources = file === undefined ? resourcesOfOptions(options) : readResources(file);
  if (Object.keys(resources).length === 0) throw usage("nothing to update: no limit was given");
  updateContainer(context, id, resources);
  return 0;
}

function readResources(file: string): ReturnType<typeof checkResources> {
  return checkResources(parseJson(readFileSync(file === "-" ? 0 : file, "utf8"), file));
}

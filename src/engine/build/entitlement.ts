/** What RUN may ask for only when the command line allows it. Pure. */
import type { Entitlement, RunSettings } from "../../build/build-options.ts";
import { DockerfileProblem } from "../../build/dockerfile/dockerfile-error.ts";
import type { RunEffect } from "../../build/stage-state.ts";

/** Throws docker's words. A build that is on the host's network itself lets its steps be. */
export function checkEntitlements(
  { network, security, location }: RunEffect,
  { allowed, network: buildNetwork }: RunSettings,
): void {
  const refuse = (entitlement: Entitlement, word: string): never => {
    throw new DockerfileProblem(`entitlement ${entitlement} is not allowed`, location, {
      word,
      hint: `build with --allow ${entitlement}`,
    });
  };
  if (network === "host" && buildNetwork !== "host" && !allowed.has("network.host"))
    refuse("network.host", "--network");
  if (security === "insecure" && !allowed.has("security.insecure")) refuse("security.insecure", "--security");
}

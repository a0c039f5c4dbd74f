/**
 * What a RUN depends on beside the files before it. Pure.
 *
 * Values of secrets and proxies are no part of it: that is what they are for. Of limits and hosts only those count that a
 * program can read in a file.
 */
import type { RunEffect } from "../../build/stage-state.ts";
import type { ContainerConfig } from "../../config/container-config.ts";
import type { StepMount } from "./step-request.ts";

/** Plain data, the same for the same step. */
export function runFacts(
  effect: RunEffect,
  mounts: readonly StepMount[],
  build: ContainerConfig,
): Readonly<Record<string, unknown>> {
  const { args, environment, cwd, user, network, security, script } = effect;
  return {
    args,
    environment: [...environment],
    cwd,
    user,
    mounts: mounts.map(({ mount, target, content }) => ({
      ...mount,
      target,
      layers: content?.layers,
      subpath: content?.subpath,
    })),
    network,
    security,
    script,
    buildNetwork: build.networks[0]?.name,
    addHosts: build.addHosts,
    ...askedOf(build),
  };
}

/** Of what is seldom asked for, only what is: keys of other steps stay as they are. */
function askedOf(build: ContainerConfig): Readonly<Record<string, unknown>> {
  const { capAdd, capDrop, dns, dnsSearch, dnsOptions, mounts, noHosts = false } = build;
  const lists = { capAdd, capDrop, dns, dnsSearch, dnsOptions, volumes: mounts };
  return {
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
    ...(noHosts ? { noHosts } : {}),
  };
}

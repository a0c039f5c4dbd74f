/**
 * `doctor`: whether this host has what containers need, check by check, each with what was found and what helps.
 *
 * Nothing of the engine's state is opened: a doctor must be able to say what is wrong with an engine that does not start.
 * The tests of `system check` are about the engine's own state; these are about the host.
 */
import type { EngineSettings } from "../config/engine-settings.ts";
import { messageOf } from "../errors.ts";
import { pathsUnder } from "../host/paths.ts";
import { checkCgroups } from "./doctor-cgroup.ts";
import type { Finding, HostCheck } from "./doctor-finding.ts";
import { kernelChecks } from "./doctor-kernel.ts";
import { networkChecks } from "./doctor-network.ts";
import { storageChecks } from "./doctor-storage.ts";

export interface Diagnosis extends Finding {
  /** What was looked at. */
  readonly name: string;
}

/** Every check in turn. Changes nothing on the host that stays. */
export function diagnoseHost(settings: EngineSettings): readonly Diagnosis[] {
  const host = { settings, paths: pathsUnder(settings.root, settings.runRoot) };
  const checks: readonly HostCheck[] = [
    ...kernelChecks,
    { name: "cgroups", look: checkCgroups },
    ...storageChecks,
    ...networkChecks,
  ];
  return checks.map(({ name, look }) => {
    try {
      return { name, ...look(host) };
    } catch (error) {
      return { name, status: "fail" as const, found: messageOf(error) };
    }
  });
}

/**
 * Which security modules this kernel has, looked at only for a Spec that names a profile or a label.
 */
import { existsSync, readFileSync } from "node:fs";
import type { ProcessContext } from "../launch/context.ts";
import { hasProfile } from "../launch/plan-attributes.ts";
import type { Spec, SpecProcess } from "../spec/oci.ts";

/** For a planning context, to be spread into it: empty where nothing asks. `process` alone for an exec. */
export function securityModulesFor({
  process,
  linux,
}: {
  readonly process?: SpecProcess | undefined;
  readonly linux?: Spec["linux"] | undefined;
}): Pick<ProcessContext, "securityModules"> {
  const asksLabel = (process?.selinuxLabel ?? "") !== "" || (linux?.mountLabel ?? "") !== "";
  if (!asksLabel && !hasProfile(process?.apparmorProfile)) return {};
  return {
    securityModules: [
      ...(hasAppArmor() ? (["apparmor"] as const) : []),
      ...(existsSync("/sys/fs/selinux/status") ? (["selinux"] as const) : []),
    ],
  };
}

function hasAppArmor(): boolean {
  try {
    return readFileSync("/sys/module/apparmor/parameters/enabled", "latin1").startsWith("Y");
  } catch {
    return false;
  }
}

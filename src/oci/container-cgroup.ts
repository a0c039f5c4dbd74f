/**
 * A container's cgroup: where it is, what is always allowed in it, making it and taking it away.
 */
import { existsSync } from "node:fs";
import { createCgroup } from "../cgroup/apply-cgroup.ts";
import { delegateCgroup } from "../cgroup/delegate-cgroup.ts";
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { type Cgroup, resolveCgroup } from "../cgroup/hierarchy.ts";
import { isFrozen, killCgroup, listProcesses, removeCgroup } from "../cgroup/kill-cgroup.ts";
import { BockerError } from "../errors.ts";
import { type DeviceRule, defaultDeviceRules, denyAllDevices, matchesAll } from "../security/device-rule.ts";
import type { Spec, SpecResources } from "../spec/oci.ts";
import { cgroupOwnerOf } from "./cgroup-owner.ts";
import type { ContainerRecord } from "./container-record.ts";
import { cgroupOf } from "./container-status.ts";
import type { OciContext } from "./oci-context.ts";
import { withoutUnsetLimits } from "./set-limits.ts";

/**
 * The container's path below each cgroup root, absolute; undefined: it gets none. A relative one starts at the root too
 * (config-linux.md#cgroups-path leaves that to the runtime); without one it is the id's. A cgroup that has processes in
 * it is somebody else's: refused before any record names it, since whoever deletes a container kills what is in there.
 */
export function cgroupsPathOf(context: OciContext, id: string, { linux }: Spec): string | undefined {
  const asked = linux?.cgroupsPath ?? "";
  if (context.cgroupManager === "systemd") {
    throw new BockerError("cannot let systemd make the cgroup: the systemd cgroup driver is not supported", {
      kind: "unsupported",
      hint: "set the caller's cgroup manager to cgroupfs (podman --cgroup-manager=cgroupfs, containerd SystemdCgroup = false, docker native.cgroupdriver=cgroupfs, kubelet cgroupDriver: cgroupfs)",
    });
  }
  const { devices: _devices, ...limits } = withoutUnsetLimits(linux?.resources ?? {});
  const hierarchy = detectCgroups();
  if (context.cgroupManager === "disabled" || hierarchy.mode === "none") {
    if (Object.values(limits).some((limit) => Object.keys(limit).length > 0)) {
      throw new BockerError("cannot limit resources: the container gets no cgroup", { kind: "unsupported" });
    }
    return undefined;
  }
  const cgroup = resolveCgroup(hierarchy, asked === "" ? `/${id}` : asked);
  refuseOccupied(cgroup);
  return cgroup.path;
}

/**
 * Makes it and sets the limits; on v2 it is its user's where that is to manage it. Undefined where the caller may do without
 * (`--rootless true`).
 */
export function makeContainerCgroup(
  context: OciContext,
  cgroupsPath: string,
  spec: Spec,
): Cgroup | undefined {
  const cgroup = tryMake(context, cgroupsPath, spec.linux?.resources ?? {});
  const owner = cgroupOwnerOf(spec);
  if (cgroup !== undefined && owner !== undefined) delegateCgroup(cgroup, owner);
  return cgroup;
}

function tryMake(context: OciContext, cgroupsPath: string, resources: SpecResources): Cgroup | undefined {
  const devices = withDefaultDevices(resources.devices ?? []);
  try {
    return createCgroup(detectCgroups(), cgroupsPath, { ...withoutUnsetLimits(resources), devices });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!context.rootless || !["EACCES", "EPERM", "EROFS"].includes(code)) throw error;
    context.log.write("warning", `no cgroup for the container: ${error}`);
    return undefined;
  }
}

/** Kills what is left in it and removes it. */
export async function removeContainerCgroup(record: ContainerRecord): Promise<void> {
  const cgroup = cgroupOf(record);
  if (cgroup === undefined) return;
  await killCgroup(cgroup);
  await removeCgroup(cgroup);
}

/** Somebody else's processes, or a state that somebody else put it into. */
function refuseOccupied(cgroup: Cgroup): void {
  if (!cgroup.directories.some(({ directory }) => existsSync(directory))) return;
  const pids = listProcesses(cgroup);
  if (pids.length === 0) {
    // Init would stop where it enters it, and this program would wait for ever.
    if (!isFrozen(cgroup)) return;
    throw new BockerError(`container's cgroup unexpectedly frozen: ${JSON.stringify(cgroup.path)}`, {
      kind: "in-use",
    });
  }
  throw new BockerError(
    `container's cgroup is not empty: ${pids.length} process(es) found in ${JSON.stringify(cgroup.path)}`,
    { kind: "in-use", hint: "linux.cgroupsPath must name a cgroup of the container's own" },
  );
}

/**
 * Nothing is allowed that was not asked for, but the devices every container has (config-linux.md#default-devices). Pure.
 */
export function withDefaultDevices(asked: readonly DeviceRule[]): readonly DeviceRule[] {
  const last = asked.findLastIndex(matchesAll);
  const allowsAll = last !== -1 && last === asked.length - 1 && asked[last]?.allow === true;
  if (allowsAll) return asked;
  const [, ...defaults] = defaultDeviceRules();
  const [first] = asked;
  const deniesAll = first !== undefined && !first.allow && matchesAll(first);
  return [...(deniesAll ? [] : [denyAllDevices]), ...asked, ...defaults];
}

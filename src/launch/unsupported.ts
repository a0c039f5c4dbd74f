/**
 * What a Spec can ask and plans cannot do: refused by name. Silently ignoring one of these would weaken a container
 * behind its user's back.
 */
import { BockerError } from "../errors.ts";
import type { Spec, SpecNamespaceType, SpecProcess } from "../spec/oci.ts";

type Asked = readonly (readonly [name: string, value: unknown])[];

/** @throws BockerError naming the first thing that cannot be honoured */
export function refuseUnsupportedSpec(spec: Spec): void {
  const linux = spec.linux;
  const namespace = (type: SpecNamespaceType) => linux?.namespaces?.find((each) => each.type === type);
  const user = namespace("user");
  refuseInsideProc(spec);
  refuse([
    ["linux.mountLabel", linux?.mountLabel],
    ["linux.personality", linux?.personality],
    ["linux.timeOffsets", linux?.timeOffsets],
    ["linux.uidMappings", linux?.uidMappings?.[0]],
    ["linux.seccomp.listenerPath", linux?.seccomp?.listenerPath],
    ["mounts[].uidMappings", spec.mounts?.find((mount) => mount.uidMappings !== undefined)],
    ["mounts[].options tmpcopyup", spec.mounts?.find((mount) => mount.options?.includes("tmpcopyup"))],
    ["a new user namespace", user?.path === undefined ? user : undefined],
    ["a time namespace", namespace("time")],
    ["joining a mount namespace", namespace("mount")?.path],
  ]);
}

/** Files that runc lets be covered, for lxcfs and its like. */
const coverable =
  /^\/proc\/(cpuinfo|diskstats|meminfo|stat|swaps|uptime|loadavg|slabinfo|net\/dev|sys\/kernel\/ns_last_pid|sys\/crypto\/fips_enabled)$/;

/** A forged /proc/self deceives what is done through it (CVE-2019-16884). runc's words. */
function refuseInsideProc({ mounts = [] }: Spec): void {
  const mount = mounts.find(
    ({ destination }) => destination.startsWith("/proc/") && !coverable.test(destination),
  );
  if (mount === undefined) return;
  const [source, target] = [mount.source ?? mount.type ?? "none", mount.destination].map((each) =>
    JSON.stringify(each),
  );
  throw new BockerError(
    `error mounting ${source} to rootfs at ${target}: ${target} cannot be mounted because it is inside /proc`,
    { kind: "invalid-config" },
  );
}

/** The same for a process, of a container or of an exec. */
export function refuseUnsupportedProcess(process: SpecProcess): void {
  refuse([
    ["process.selinuxLabel", process.selinuxLabel],
    ["process.apparmorProfile", process.apparmorProfile === "unconfined" ? "" : process.apparmorProfile],
    ["process.scheduler", process.scheduler],
    ["process.ioPriority", process.ioPriority],
    ["process.execCPUAffinity", process.execCPUAffinity],
  ]);
}

function refuse(asked: Asked): void {
  const found = asked.find(([, value]) => value !== undefined && value !== "");
  if (found === undefined) return;
  throw new BockerError(`cannot start container: ${found[0]} is not supported`, { kind: "unsupported" });
}

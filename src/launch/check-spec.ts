/**
 * What a Spec asks for that cannot be, here or anywhere: refused by name, in runc's words where it has some. Silently
 * ignoring one of these would weaken a container behind its user's back.
 */
import { BockerError } from "../errors.ts";
import type { Spec, SpecMount, SpecNamespaceType, SpecProcess, SpecSeccomp } from "../spec/oci.ts";
import type { ProcessContext, StartContext } from "./context.ts";
import { checked, seccompFlags } from "./kernel-word.ts";
import { parseMountOptions } from "./mount-option.ts";
import type { SeccompFlag } from "./operation.ts";
import { hasProfile } from "./plan-attributes.ts";

/** @throws BockerError naming the first thing that cannot be honoured */
export function checkSpec(spec: Spec, context: StartContext): void {
  refuseInsideProc(spec);
  refuseWithoutNamespace(spec);
  for (const name of Object.keys(spec.linux?.sysctl ?? {})) checkSysctl(spec, name);
  if (wants(spec.linux?.mountLabel) && context.securityModules?.includes("selinux") !== true)
    throw noSelinux();
  if (spec.linux?.intelRdt !== undefined) {
    throw new BockerError("intelRdt is specified in config, but Intel RDT is not supported or enabled", {
      kind: "unsupported",
    });
  }
  if (!context.kernel.mountSetattr) refuseIdMaps(spec);
}

/** The same for a process, of a container or of an exec. */
export function checkProcess(process: SpecProcess, { securityModules = [] }: ProcessContext): void {
  if (hasProfile(process.apparmorProfile) && !securityModules.includes("apparmor")) {
    throw new BockerError("apparmor: config provided but apparmor not supported", {
      kind: "unsupported",
      hint: `this kernel runs without AppArmor, so it cannot confine anything to "${process.apparmorProfile}"`,
    });
  }
  if (wants(process.selinuxLabel) && !securityModules.includes("selinux")) throw noSelinux();
}

/** The flags of a Spec's filter, for ProcessContext.seccompFlags. */
export function checkSeccompFlags(flags: readonly string[] | undefined): readonly SeccompFlag[] {
  return (flags ?? []).map((flag) => checked("seccomp flag", flag, seccompFlags));
}

/** Whether somebody has to listen to the filter. */
export function notifies(policy: SpecSeccomp | undefined): boolean {
  return policy?.syscalls?.some(({ action }) => action === "SCMP_ACT_NOTIFY") === true;
}

function noSelinux(): BockerError {
  return new BockerError("selinux label is specified in config, but selinux is disabled or not supported", {
    kind: "unsupported",
  });
}

function wants(text: string | undefined): boolean {
  return text !== undefined && text !== "";
}

function has(spec: Spec, type: SpecNamespaceType): boolean {
  return spec.linux?.namespaces?.some((namespace) => namespace.type === type) === true;
}

function refuseWithoutNamespace(spec: Spec): void {
  const needs: readonly (readonly [asked: boolean, type: SpecNamespaceType, message: string])[] = [
    [wants(spec.hostname), "uts", "unable to set hostname without a private UTS namespace"],
    [wants(spec.domainname), "uts", "unable to set domainname without a private UTS namespace"],
    [
      Object.keys(spec.linux?.timeOffsets ?? {}).length > 0,
      "time",
      "time namespace is not present, but time offsets are specified",
    ],
  ];
  const missing = needs.find(([asked, type]) => asked && !has(spec, type));
  if (missing !== undefined) throw new BockerError(missing[2], { kind: "invalid-config" });
}

const ipcSysctls =
  /^(kernel[./](msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs[./]mqueue[./].+)$/;

/** A sysctl that no namespace holds is the host's: a container may not change it. */
function checkSysctl(spec: Spec, name: string): void {
  if (ipcSysctls.test(name) && has(spec, "ipc")) return;
  if (/^net[./]/.test(name)) {
    if (has(spec, "network")) return;
    throw new BockerError(`sysctl "${name}" not allowed in host network namespace`, {
      kind: "invalid-config",
    });
  }
  if (/^kernel[./]domainname$/.test(name) && has(spec, "uts")) {
    const { domainname = "" } = spec;
    if (domainname === "" || domainname === spec.linux?.sysctl?.[name]) return;
    throw new BockerError(`sysctl "${name}" conflicts with OCI domainname`, { kind: "invalid-config" });
  }
  if (/^kernel[./]hostname$/.test(name)) {
    throw new BockerError(`sysctl "${name}" conflicts with OCI hostname`, { kind: "invalid-config" });
  }
  throw new BockerError(`sysctl "${name}" is not in a separate kernel namespace`, { kind: "invalid-config" });
}

/** Files that runc lets be covered, for lxcfs and its like. */
const coverable =
  /^\/proc\/(cpuinfo|diskstats|meminfo|stat|swaps|uptime|loadavg|slabinfo|net\/dev|sys\/kernel\/ns_last_pid|sys\/crypto\/fips_enabled)$/;

/** A forged /proc/self deceives what is done through it (CVE-2019-16884). runc's words. */
function refuseInsideProc({ mounts = [] }: Spec): void {
  const isInside = ({ destination }: SpecMount) =>
    destination.startsWith("/proc/") && !coverable.test(destination);
  const isForged = ({ destination, type, source }: SpecMount) =>
    destination === "/proc" && type !== "proc" && source !== "/proc";
  const mount = mounts.find((each) => isInside(each) || isForged(each));
  if (mount === undefined) return;
  const [source, target] = [mount.source ?? mount.type ?? "none", mount.destination].map((each) =>
    JSON.stringify(each),
  );
  const reason = isForged(mount) ? "it is not of type proc" : "it is inside /proc";
  throw new BockerError(
    `error mounting ${source} to rootfs at ${target}: ${target} cannot be mounted because ${reason}`,
    { kind: "invalid-config" },
  );
}

function refuseIdMaps({ mounts = [] }: Spec): void {
  const mapped = mounts.find(
    ({ options, uidMappings }) =>
      uidMappings !== undefined || parseMountOptions(options ?? []).idMap !== undefined,
  );
  if (mapped === undefined) return;
  throw new BockerError(`cannot map the ids of mount "${mapped.destination}": this kernel cannot`, {
    kind: "unsupported",
    hint: "id-mapped mounts came with Linux 5.12",
  });
}

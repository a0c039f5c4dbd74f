/**
 * The kernel, for `doctor`: privileges, system calls, namespaces, seccomp, and the clock.
 */
import { existsSync, readFileSync } from "node:fs";
import { kernelKnows } from "../../ffi/process.ts";
import { effectiveUid, isKernelAtLeast, kernelVersion } from "../host/host-facts.ts";
import type { Finding, HostCheck } from "./doctor-finding.ts";

export const kernelChecks: readonly HostCheck[] = [
  { name: "privileges", look: checkPrivileges },
  { name: "kernel", look: checkKernel },
  { name: "namespaces", look: checkNamespaces },
  { name: "user namespaces", look: checkUserNamespaces },
  { name: "subordinate ids", look: checkSubordinateIds },
  { name: "seccomp", look: checkSeccomp },
  { name: "clock", look: checkClock },
];

/** CAP_SYS_ADMIN: without it no namespace and no mount. capabilities(7). */
const sysAdmin = 21n;

function checkPrivileges(): Finding {
  if (effectiveUid() !== 0)
    return { status: "fail", found: `user id ${effectiveUid()}`, hint: "run it with sudo" };
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  const isAdmin = (BigInt(`0x${effective ?? "0"}`) & (1n << sysAdmin)) !== 0n;
  if (isAdmin) return { status: "ok", found: "root with CAP_SYS_ADMIN" };
  return {
    status: "fail",
    found: "root without CAP_SYS_ADMIN",
    hint: "inside another container: start that one with --privileged",
  };
}

/** Each call's way round is in the launch plan; the oldest kernel that has been tried is 5.10. */
function checkKernel(): Finding {
  const { release } = kernelVersion();
  const needed = (["pidfd_open", "openat2", "close_range"] as const).filter((call) => !kernelKnows(call));
  if (needed.length > 0)
    return {
      status: "fail",
      found: `${release} lacks ${needed.join(", ")}`,
      hint: "use Linux 5.10 or newer",
    };
  const wanted = (["fsopen", "mount_setattr"] as const).filter((call) => !kernelKnows(call));
  if (wanted.length > 0 || !isKernelAtLeast(5, 10)) {
    const lacks = wanted.length > 0 ? ` lacks ${wanted.join(", ")}` : " is older than any that was tried";
    return { status: "warn", found: `${release}${lacks}`, hint: "use Linux 5.12 or newer" };
  }
  return { status: "ok", found: release };
}

function checkNamespaces(): Finding {
  const has = (name: string) => existsSync(`/proc/self/ns/${name}`);
  const missing = ["mnt", "pid", "net", "ipc", "uts"].filter((name) => !has(name));
  if (missing.length > 0) {
    return {
      status: "fail",
      found: `the kernel has no ${missing.join(", ")}`,
      hint: "build it with CONFIG_NAMESPACES and all of its kinds",
    };
  }
  const lesser = ["cgroup", "user"].filter((name) => !has(name));
  return lesser.length > 0
    ? { status: "warn", found: `the kernel has no ${lesser.join(", ")}` }
    : { status: "ok", found: "mnt, pid, net, ipc, uts, cgroup, user" };
}

/** user_namespaces(7); apparmor_restrict_unprivileged_userns is Ubuntu's. */
function checkUserNamespaces(): Finding {
  const most = readNumber("/proc/sys/user/max_user_namespaces");
  if (most === undefined) return { status: "warn", found: "the kernel has none" };
  if (most === 0)
    return { status: "warn", found: "none allowed", hint: "sysctl -w user.max_user_namespaces=10000" };
  if (readNumber("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === 1)
    return { status: "ok", found: `up to ${most}, for root; AppArmor keeps them from others` };
  return { status: "ok", found: `up to ${most}` };
}

/** subuid(5): needed to map a container's users to ones that nobody else has. */
function checkSubordinateIds(): Finding {
  const files = ["/etc/subuid", "/etc/subgid"];
  const missing = files.filter((path) => !/^(root|0|containers):\d+:\d+$/m.test(readText(path)));
  if (missing.length === 0) return { status: "ok", found: "for root" };
  return {
    status: "warn",
    found: `none for root in ${missing.join(" and ")}`,
    hint: "needed for user namespaces alone; usermod --add-subuids 100000-165535 --add-subgids 100000-165535 root",
  };
}

function checkSeccomp(): Finding {
  const actions = readText("/proc/sys/kernel/seccomp/actions_avail").trim();
  if (actions === "") {
    return {
      status: "warn",
      found: "the kernel has no filters: containers may make every system call",
      hint: "build it with CONFIG_SECCOMP_FILTER",
    };
  }
  return { status: "ok", found: actions };
}

/** Certificates are not valid yet for a clock that was never set. */
function checkClock(): Finding {
  const now = new Date();
  if (now.getUTCFullYear() >= 2024) return { status: "ok", found: now.toISOString() };
  return {
    status: "warn",
    found: `${now.toISOString()}: registries' certificates will not be believed`,
    hint: "set the clock, or start a time service",
  };
}

function readNumber(path: string): number | undefined {
  const text = readText(path).trim();
  return text === "" ? undefined : Number(text);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

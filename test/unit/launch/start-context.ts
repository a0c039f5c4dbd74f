/**
 * A StartContext of a plain host and a Spec of a default container, for tests of planning.
 */
import type { StartContext } from "../../../src/launch/context.ts";
import { capabilityMask, capabilitySetsFor, defaultCapabilities } from "../../../src/security/capability.ts";
import type { Spec, SpecLinux, SpecMount, SpecProcess } from "../../../src/spec/oci.ts";

export const context: StartContext = {
  rootfs: { kind: "mount", description: "overlay of two layers" },
  hostRoot: "pivotable",
  kernel: { mountSetattr: true, closeRangeCloexec: true },
  bindSources: { "/srv/data": "directory", "/srv/hosts": "file" },
  availableCapabilities: capabilityMask(["ALL"]),
  chownStdio: [],
  dieWithParent: true,
  init: false,
  keyring: "_ses.0123456789ab",
};

/** Those of a default container, and two binds. */
export const mounts: readonly SpecMount[] = [
  { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "mode=0620"],
  },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
  {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["ro", "nosuid", "noexec", "nodev"],
  },
  { destination: "/data", type: "bind", source: "/srv/data", options: ["rbind", "ro", "rprivate"] },
  { destination: "/etc/hosts", type: "bind", source: "/srv/hosts", options: ["rbind", "rprivate"] },
];

/** What differs from a default container. */
export interface SpecVariation {
  readonly process?: Partial<SpecProcess>;
  readonly linux?: Partial<SpecLinux>;
  readonly spec?: Partial<Spec>;
}

/** A default process with changes. */
export function processOf(changes: Partial<SpecProcess> = {}): SpecProcess {
  return {
    user: { uid: 0, gid: 0 },
    args: ["sh", "-c", "true"],
    env: ["PATH=/usr/bin:/bin"],
    cwd: "/work",
    capabilities: capabilitySetsFor(defaultCapabilities, changes.user?.uid ?? 0),
    ...changes,
  };
}

/** A default container with changes. */
export function specOf({ process, linux, spec }: SpecVariation = {}): Spec {
  const hasUts = linux?.namespaces?.some(({ type }) => type === "uts") !== false;
  return {
    ociVersion: "1.2.0",
    ...(hasUts ? { hostname: "box" } : {}),
    process: processOf(process),
    mounts,
    linux: {
      namespaces: (["pid", "network", "ipc", "uts", "mount", "cgroup"] as const).map((type) => ({ type })),
      maskedPaths: ["/proc/kcore"],
      readonlyPaths: ["/proc/sys"],
      sysctl: { "net.ipv4.ip_forward": "1" },
      ...linux,
    },
    ...spec,
  };
}

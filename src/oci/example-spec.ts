/**
 * The config.json that `spec` writes: a shell in ./rootfs, with a terminal and few rights; runc's, so that what edits
 * one edits the other. Pure.
 */
import { maskedPaths, readonlyPaths } from "../spec/default-paths.ts";
import type { Spec, SpecIdMapping, SpecMount, SpecNamespace } from "../spec/oci.ts";
import { specVersion } from "./spec-version.ts";

const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

const mounts: readonly SpecMount[] = [
  { destination: "/proc", type: "proc", source: "proc" },
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
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
  },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
  {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
  },
];

/**
 * A bundle directory with this and a `rootfs` beside it runs as it is, from a terminal. `unified`: the host has only cgroup
 * v2, where a container gets a view of its own; on v1 its processes see where they are, as with runc.
 */
export function exampleSpec(unified: boolean): Spec {
  return {
    ociVersion: specVersion,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "bocker",
    mounts,
    linux: {
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: namespacesOf("pid", "network", "ipc", "uts", "mount", ...cgroupView(unified)),
      maskedPaths,
      readonlyPaths,
    },
  };
}

/** For a user who is not root: a user namespace in which that user is root, the host's /sys, no limits. */
export function rootlessSpec(uid: number, gid: number, unified: boolean): Spec {
  const { linux, mounts: own = [], ...spec } = exampleSpec(unified);
  const { resources: _resources, ...section } = linux ?? {};
  const mapping = (hostID: number): readonly SpecIdMapping[] => [{ containerID: 0, hostID, size: 1 }];
  return {
    ...spec,
    mounts: [
      ...own.filter(({ type }) => type !== "sysfs" && type !== "cgroup").map(withoutGroups),
      {
        destination: "/sys",
        type: "none",
        source: "/sys",
        options: ["rbind", "nosuid", "noexec", "nodev", "ro"],
      },
    ],
    linux: {
      ...section,
      namespaces: namespacesOf("pid", "ipc", "uts", "mount", ...cgroupView(unified), "user"),
      uidMappings: mapping(uid),
      gidMappings: mapping(gid),
    },
  };
}

/** Group 5 is not mapped there. */
function withoutGroups(mount: SpecMount): SpecMount {
  const options = mount.options?.filter((option) => !/^(gid|uid)=/.test(option));
  return options === undefined ? mount : { ...mount, options };
}

function cgroupView(unified: boolean): readonly SpecNamespace["type"][] {
  return unified ? ["cgroup"] : [];
}

function namespacesOf(...types: readonly SpecNamespace["type"][]): readonly SpecNamespace[] {
  return types.map((type) => ({ type }));
}

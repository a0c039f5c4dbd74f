/**
 * What this runtime can do, in the specification's words (features.md, features-linux.md). Pure but for what the kernel
 * is asked: nothing is listed that planning would refuse.
 */
import { mountOptionWords } from "../launch/mount-option.ts";
import { capabilityNames } from "../security/capability.ts";
import { abiOfArchitecture, abisOf } from "../security/seccomp-abi.ts";
import { seccompActions, seccompOperators } from "../security/seccomp-rule.ts";
import { specVersion } from "./spec-version.ts";

/** `arch`: process.arch. `version`: this program's. */
export function runtimeFeatures(arch: string, version: string): unknown {
  const abis = abisOf[arch === "arm64" ? "aarch64" : "x86_64"];
  const archs = Object.entries(abiOfArchitecture).filter(([, abi]) => abis.includes(abi));
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: specVersion,
    hooks: ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
    mountOptions: mountOptionWords(),
    linux: {
      namespaces: ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"],
      capabilities: capabilityNames,
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: false },
      seccomp: {
        enabled: true,
        actions: [...seccompActions].sort(),
        operators: [...seccompOperators].sort(),
        archs: archs.map(([name]) => name).sort(),
        knownFlags: seccompFlags,
        supportedFlags: seccompFlags,
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: false },
      mountExtensions: { idmap: { enabled: true } },
    },
    annotations: {
      "io.github.bocker.version": version,
      "org.opencontainers.runtime-spec.checkpoint.enabled": "false",
    },
    potentiallyUnsafeConfigAnnotations: [],
  };
}

const seccompFlags = [
  "SECCOMP_FILTER_FLAG_LOG",
  "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
  "SECCOMP_FILTER_FLAG_TSYNC",
  "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
];

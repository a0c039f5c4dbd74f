/**
 * The seccomp filter of a container's processes, its first one and those that exec adds.
 */
import { readFileSync } from "node:fs";
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError, messageOf } from "../errors.ts";
import { kernelVersion } from "../host/host-facts.ts";
import { parseBoundingSet, resolveCapabilities } from "../security/capability.ts";
import { resolveSeccompFilter, resolveSeccompPolicy, type SeccompRequest } from "../security/seccomp.ts";
import type { SeccompPolicy } from "../security/seccomp-rule.ts";
import { parseSecurityOptions } from "../spec/security-option.ts";

/** What this process may hand on (capabilities(7), bounding set). */
export function boundingCapabilities(): bigint {
  return parseBoundingSet(readFileSync("/proc/self/status", "latin1")) ?? 0n;
}

/** The seccomp filter of a container's processes; undefined: unconfined. Throws for a profile that makes no sense. */
export async function seccompFilterOf(
  config: Pick<ContainerConfig, "securityOpt" | "privileged" | "capAdd" | "capDrop">,
  bounding: bigint,
): Promise<Uint8Array | undefined> {
  const request = await seccompRequestOf(config, bounding);
  return request === undefined ? undefined : resolveSeccompFilter(request);
}

/** The policy of a profile that asks for flags of seccomp(2), which no filter holds; undefined for every other. */
export async function flaggedPolicyOf(
  config: Pick<ContainerConfig, "securityOpt" | "privileged" | "capAdd" | "capDrop">,
  bounding: bigint,
): Promise<SeccompPolicy | undefined> {
  const { seccomp } = parseSecurityOptions(config.securityOpt);
  const policy = typeof seccomp === "object" ? await seccompPolicyOf(config, bounding) : undefined;
  return (policy?.flags ?? []).length === 0 ? undefined : policy;
}

async function seccompRequestOf(
  config: Pick<ContainerConfig, "securityOpt" | "privileged" | "capAdd" | "capDrop">,
  bounding: bigint,
): Promise<SeccompRequest | undefined> {
  const { seccomp } = parseSecurityOptions(config.securityOpt);
  if (seccomp === "unconfined" || (config.privileged && seccomp === "default")) return undefined;
  const { capAdd, capDrop, privileged } = config;
  return {
    profile: typeof seccomp === "object" ? await loadProfile(seccomp.file) : "default",
    arch: process.arch === "arm64" ? "aarch64" : "x86_64",
    caps: resolveCapabilities({ privileged, capAdd, capDrop, bounding }),
    kernel: kernelVersion().release,
  };
}

/** The policy behind that filter, for a Spec that is written down; undefined: unconfined. */
export async function seccompPolicyOf(
  config: Pick<ContainerConfig, "securityOpt" | "privileged" | "capAdd" | "capDrop">,
  bounding: bigint,
): Promise<SeccompPolicy | undefined> {
  const request = await seccompRequestOf(config, bounding);
  return request === undefined ? undefined : resolveSeccompPolicy(request);
}

async function loadProfile(path: string): Promise<SeccompRequest["profile"]> {
  const { parseSeccompProfile } = await import("../security/parse-seccomp-profile.ts");
  try {
    return parseSeccompProfile(readFileSync(path, "utf8"), path);
  } catch (cause) {
    if (cause instanceof BockerError) throw cause;
    throw new BockerError(`opening seccomp profile (${path}) failed: ${messageOf(cause)}`, {
      kind: "invalid-config",
      cause,
    });
  }
}

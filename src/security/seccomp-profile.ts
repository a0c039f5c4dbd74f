/**
 * Seccomp profiles in docker's format: a policy whose rules depend on architecture, kernel and capabilities.
 *
 * Pure. Resolving drops the rules that do not apply and leaves the runtime spec's `linux.seccomp`. Reading a profile
 * from JSON is parse-seccomp-profile.ts. See https://docs.docker.com/engine/security/seccomp/.
 */
import { BockerError } from "../errors.ts";
import type { SeccompArch, SeccompPolicy, SeccompSyscallRule } from "./seccomp-rule.ts";

export interface SeccompCondition {
  readonly caps?: readonly string[];
  /** Go's names: `amd64`, `arm64`, `x86`. */
  readonly arches?: readonly string[];
  /** `4.8`: kernel and major revision. */
  readonly minKernel?: string;
}

export interface SeccompProfileRule extends SeccompSyscallRule {
  readonly comment?: string;
  /** All must hold. */
  readonly includes?: SeccompCondition;
  /** None may hold. */
  readonly excludes?: SeccompCondition;
}

export interface SeccompProfile extends Omit<SeccompPolicy, "syscalls"> {
  readonly archMap?: readonly {
    readonly architecture: string;
    readonly subArchitectures?: readonly string[] | null;
  }[];
  readonly syscalls?: readonly SeccompProfileRule[];
}

export interface SeccompFacts {
  /** The container's bounding set, by name. */
  readonly caps: readonly string[];
  /** `uname -r`. */
  readonly kernel: string;
  readonly arch: SeccompArch;
}

/** Go's word for the machine, which profiles use in `arches`. */
const goArch: Readonly<Record<SeccompArch, string>> = { x86_64: "amd64", aarch64: "arm64" };
const nativeArchitecture: Readonly<Record<SeccompArch, string>> = {
  x86_64: "SCMP_ARCH_X86_64",
  aarch64: "SCMP_ARCH_AARCH64",
};

/** The policy that a profile means here. Errors: architectures and archMap both given, a kernel version unreadable. */
export function resolveSeccompProfile(profile: SeccompProfile, facts: SeccompFacts): SeccompPolicy {
  const { archMap, syscalls, ...policy } = profile;
  if (archMap !== undefined && archMap.length > 0 && (policy.architectures ?? []).length > 0) {
    throw new BockerError(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
      { kind: "invalid-config" },
    );
  }
  const mapped = archMap?.find(({ architecture }) => architecture === nativeArchitecture[facts.arch]);
  const architectures = mapped && [mapped.architecture, ...(mapped.subArchitectures ?? [])];
  const rules = (syscalls ?? []).filter((rule) => applies(rule, facts)).map(unconditional);
  return { ...policy, ...(architectures === undefined ? {} : { architectures }), syscalls: rules };
}

function applies(rule: SeccompProfileRule, facts: SeccompFacts): boolean {
  const { includes, excludes } = rule;
  const excluded =
    excludes !== undefined &&
    (excludes.arches?.includes(goArch[facts.arch]) === true ||
      excludes.caps?.some((cap) => facts.caps.includes(cap)) === true ||
      (excludes.minKernel !== undefined && kernelIsAtLeast(facts.kernel, excludes.minKernel)));
  if (excluded) return false;
  if (includes === undefined) return true;
  const archFits = !includes.arches?.length || includes.arches.includes(goArch[facts.arch]);
  const capsFit = includes.caps?.every((cap) => facts.caps.includes(cap)) !== false;
  return archFits && capsFit && (!includes.minKernel || kernelIsAtLeast(facts.kernel, includes.minKernel));
}

function unconditional(rule: SeccompProfileRule): SeccompSyscallRule {
  const { includes: _includes, excludes: _excludes, comment: _comment, ...plain } = rule;
  return plain;
}

/** Compares kernel and major revision only: `6.1.0-13-amd64` is 6.1. */
function kernelIsAtLeast(release: string, minimum: string): boolean {
  const [kernel, major] = parseKernel(release);
  const [minKernel, minMajor] = parseKernel(minimum);
  return kernel > minKernel || (kernel === minKernel && major >= minMajor);
}

function parseKernel(text: string): readonly [number, number] {
  const match = /^(\d+)\.(\d+)/.exec(text);
  if (match === null) {
    throw new BockerError(`invalid kernel version: "${text}", expected "<kernel>.<major>"`, {
      kind: "invalid-config",
    });
  }
  return [Number(match[1]), Number(match[2])];
}

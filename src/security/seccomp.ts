/**
 * The door to seccomp on the way to a container: the filter for a profile, fast when it is docker's default.
 *
 * Resolving and compiling the default profile costs ten milliseconds in a fresh process, so the program for the usual
 * capabilities is shipped as data (seccomp-default-filter.ts) and the compiler is loaded only for anything else.
 */
import { defaultFilters, filterCapabilities } from "./seccomp-default-filter.ts";
import type { SeccompProfile } from "./seccomp-profile.ts";
import type { SeccompArch, SeccompPolicy } from "./seccomp-rule.ts";

export interface SeccompRequest {
  /** `default`: docker's; a profile: a parsed --security-opt seccomp=FILE. */
  readonly profile: "default" | SeccompProfile;
  readonly arch: SeccompArch;
  /** The container's bounding set, by name. */
  readonly caps: readonly string[];
  /** `uname -r`. */
  readonly kernel: string;
}

/**
 * The filter program (struct sock_filter[]) of docker's default profile where it is precompiled: for any capabilities
 * that change the profile no more than docker's own set or an empty one do. Undefined: it has to be compiled.
 */
export function defaultSeccompFilter(arch: SeccompArch, caps: readonly string[]): Uint8Array | undefined {
  const key = filterCapabilities.filter((cap) => caps.includes(cap)).join(" ");
  const encoded = defaultFilters[arch][key];
  return encoded === undefined ? undefined : Uint8Array.fromBase64(encoded);
}

/** The filter for a request, loading the compiler only when there is none ready. */
export async function resolveSeccompFilter(request: SeccompRequest): Promise<Uint8Array> {
  const ready = request.profile === "default" ? defaultSeccompFilter(request.arch, request.caps) : undefined;
  if (ready !== undefined) return ready;
  const { compileSeccomp } = await import("./seccomp-compile.ts");
  return compileSeccomp(await resolveSeccompPolicy(request), request.arch);
}

/** The policy behind that filter, as the runtime spec writes it: for `bocker spec` and other runtimes. */
export async function resolveSeccompPolicy(request: SeccompRequest): Promise<SeccompPolicy> {
  const { resolveSeccompProfile } = await import("./seccomp-profile.ts");
  if (request.profile !== "default") return resolveSeccompProfile(request.profile, request);
  const { defaultSeccompProfile } = await import("./seccomp-default-profile.ts");
  return resolveSeccompProfile(defaultSeccompProfile(), request);
}

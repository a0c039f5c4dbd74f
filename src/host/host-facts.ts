/**
 * What this machine is: numbers that decide defaults and that `info` shows. Read once each, on demand.
 */
import { arch, availableParallelism, hostname, release, totalmem } from "node:os";

export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
  /** As uname(2) says it: `6.1.0-18-amd64`. */
  readonly release: string;
}

/** CPUs this process may run on. */
export function cpuCount(): number {
  return availableParallelism();
}

/** Physical memory in bytes. */
export function totalMemoryBytes(): number {
  return totalmem();
}

/** The running kernel. */
export function kernelVersion(): KernelVersion {
  return parseKernelRelease(release());
}

/** `6.1.0-18-amd64` to its numbers; what is not a number counts as 0. */
export function parseKernelRelease(text: string): KernelVersion {
  const [major = "0", minor = "0"] = text.split(".");
  return { major: Number.parseInt(major, 10) || 0, minor: Number.parseInt(minor, 10) || 0, release: text };
}

/** Whether the running kernel is at least `major.minor`. Probe for the call instead where that is possible. */
export function isKernelAtLeast(
  major: number,
  minor: number,
  kernel: KernelVersion = kernelVersion(),
): boolean {
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}

/** Effective user id; 0 is root. */
export function effectiveUid(): number {
  return process.geteuid?.() ?? 0;
}

/** OCI's word for this machine's architecture: `amd64`, `arm64`. */
export function hostArchitecture(): string {
  const name = arch();
  return name === "x64" ? "amd64" : name;
}

/** The host's own name. */
export function hostName(): string {
  return hostname();
}

/**
 * What every OCI command gets: where containers are, how to log, the global options. Made once by oci-main.ts.
 */
import type { ContainerStore } from "./container-store.ts";
import type { OciLog } from "./oci-log.ts";
import type { OciOptions } from "./option.ts";

export interface OciContext {
  readonly store: ContainerStore;
  readonly log: OciLog;
  /** How this program calls itself in messages: `bocker-oci`. */
  readonly program: string;
  readonly version: string;
  readonly cgroupManager: CgroupManager;
  /** `--rootless true`: cgroups that may not be made are done without. */
  readonly rootless: boolean;
}

/** `disabled`: containers stay in their creator's cgroup. */
export type CgroupManager = "cgroupfs" | "systemd" | "disabled";

/** One command's own part of the command line. */
export interface OciInvocation {
  readonly options: OciOptions;
  readonly arguments: readonly string[];
}

/** Runs a command; resolves with the exit code. */
export type OciCommand = (context: OciContext, invocation: OciInvocation) => number | Promise<number>;

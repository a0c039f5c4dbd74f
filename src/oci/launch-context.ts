/**
 * What planning needs beside the configuration, for a container and for an exec: the same for both where it is the same.
 */
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import type { Cgroup } from "../cgroup/hierarchy.ts";
import { checkSeccompFlags, notifies } from "../launch/check-spec.ts";
import type { ExecContext, StartContext } from "../launch/context.ts";
import { probeBindSources } from "../runtime/bind-source.ts";
import { cgroupViewOf } from "../runtime/cgroup-view.ts";
import { launchFacts, unpivotable } from "../runtime/launch-facts.ts";
import { securityModulesFor } from "../runtime/security-modules.ts";
import type { StartOptions } from "../runtime/start-process.ts";
import type { Spec, SpecProcess } from "../spec/oci.ts";
import type { ContainerRecord } from "./container-record.ts";
import { type ContainerStatus, stateOf } from "./container-status.ts";
import { ownPipes } from "./inherited-fds.ts";
import { passwdOfBundle, withHome } from "./process-environment.ts";

export interface StartChoices {
  readonly cgroupTasks: number;
  readonly preserveFds: number;
  readonly noPivot: boolean;
  readonly keyring?: string;
  readonly console?: { readonly number: number };
  readonly gate?: true;
  /** The container's own, for one that sees cgroups without a namespace of them. */
  readonly cgroup?: Cgroup | undefined;
}

/** Compiles the configuration's seccomp section on the way, where there is one. */
export async function contextOfStart(
  spec: Spec,
  rootfs: string,
  { noPivot, cgroup, ...choices }: StartChoices,
): Promise<StartContext> {
  const facts = launchFacts();
  const hasCgroupView = spec.mounts?.some(({ type }) => type === "cgroup" || type === "cgroup2") === true;
  const hierarchy = hasCgroupView ? detectCgroups() : undefined;
  return {
    ...facts,
    ...(noPivot ? unpivotable() : {}),
    ...(await seccompOf(spec)),
    ...securityModulesFor(spec),
    chownStdio: chownedStreams(choices.console !== undefined, spec.process?.user.uid),
    dieWithParent: false,
    rootfs: { kind: "directory", path: rootfs },
    bindSources: probeBindSources(spec),
    ...(hierarchy === undefined || hierarchy.mode === "none"
      ? {}
      : { cgroup: cgroupViewOf(hierarchy, cgroup) }),
    init: false,
    ...choices,
  };
}

/** For a process that joins the container; its namespaces are the caller's to add. */
export async function contextOfExec(
  spec: Spec,
  choices: Pick<ExecContext, "namespaces"> & {
    readonly cgroupTasks: number;
    readonly preserveFds: number;
    readonly process: SpecProcess;
    readonly terminal: boolean;
  },
): Promise<ExecContext> {
  const { process: joining, terminal, ...rest } = choices;
  const policy = spec.linux?.seccomp;
  return {
    ...launchFacts(),
    ...(await seccompOf(spec)),
    seccompFlags: checkSeccompFlags(policy?.flags),
    ...(notifies(policy) ? { listener: true } : {}),
    memoryPolicy: spec.linux?.memoryPolicy,
    personality: spec.linux?.personality,
    ...securityModulesFor({ process: joining }),
    chownStdio: chownedStreams(terminal, joining.user.uid),
    dieWithParent: false,
    ...rest,
  };
}

/** For startProcess: what fills a tmpfs with `tmpcopyup`, loaded only where a mount asks for it. */
export async function copyTreeFor({ mounts = [] }: Spec): Promise<Pick<StartOptions, "copyTree">> {
  if (!mounts.some(({ options = [] }) => options.includes("tmpcopyup"))) return {};
  const { copyTree } = await import("../storage/copy-tree.ts");
  return { copyTree };
}

/** The compiled filter of `linux.seccomp`; the compiler is loaded only where there is one. */
async function seccompOf({ linux }: Spec): Promise<{ readonly seccomp?: Uint8Array }> {
  if (linux?.seccomp === undefined) return {};
  const { compileSeccomp } = await import("../security/seccomp-compile.ts");
  return { seccomp: compileSeccomp(linux.seccomp, process.arch === "arm64" ? "aarch64" : "x86_64") };
}

function chownedStreams(terminal: boolean, uid = 0): readonly (0 | 1 | 2)[] {
  if (uid === 0) return [];
  return terminal ? [0] : ownPipes();
}

/** For startProcess: hands the listener of a filter that notifies to the agent the configuration names. */
export function listenerOf(
  { linux, ociVersion }: Spec,
  record: ContainerRecord,
  status: ContainerStatus,
): StartOptions["onListener"] {
  const policy = linux?.seccomp;
  if (policy === undefined || !notifies(policy)) return undefined;
  return async (fd, { pid }) => {
    const { sendListener } = await import("../runtime/seccomp-listener.ts");
    sendListener(policy, fd, { ociVersion, pid, state: stateOf(record, status) });
  };
}

/** The configuration with its process's whole environment, and more variables. */
export function withEnvironment(spec: Spec, more: readonly string[], rootfs: string): Spec {
  if (spec.process === undefined) return spec;
  const process = { ...spec.process, env: [...(spec.process.env ?? []), ...more] };
  return { ...spec, process: withHome(process, () => passwdOfBundle(spec, rootfs)) };
}

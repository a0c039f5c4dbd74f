/**
 * What planning needs beside the configuration, for a container and for an exec: the same for both where it is the same.
 */
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import type { ExecContext, StartContext } from "../launch/context.ts";
import { probeBindSources } from "../runtime/bind-source.ts";
import { cgroupViewOf } from "../runtime/cgroup-view.ts";
import { launchFacts } from "../runtime/launch-facts.ts";
import type { Spec } from "../spec/oci.ts";
import { ownPipes } from "./inherited-fds.ts";

export interface StartChoices {
  readonly cgroupTasks: number;
  readonly preserveFds: number;
  readonly noPivot: boolean;
  readonly keyring?: string;
  readonly console?: { readonly number: number };
  readonly gate?: true;
}

/** Compiles the configuration's seccomp section on the way, where there is one. */
export async function contextOfStart(
  spec: Spec,
  rootfs: string,
  { noPivot, ...choices }: StartChoices,
): Promise<StartContext> {
  const facts = launchFacts();
  const hasCgroupView = spec.mounts?.some(({ type }) => type === "cgroup" || type === "cgroup2") === true;
  const hierarchy = hasCgroupView ? detectCgroups() : undefined;
  return {
    ...facts,
    ...(noPivot ? { hostRoot: "ramfs" } : {}),
    ...(await seccompOf(spec)),
    chownStdio: chownedStreams(choices.console !== undefined, spec.process?.user.uid),
    dieWithParent: false,
    rootfs: { kind: "directory", path: rootfs },
    bindSources: probeBindSources(spec),
    ...(hierarchy === undefined || hierarchy.mode === "none" ? {} : { cgroup: cgroupViewOf(hierarchy) }),
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
    readonly uid: number | undefined;
    readonly terminal: boolean;
  },
): Promise<ExecContext> {
  const { uid, terminal, ...rest } = choices;
  return {
    ...launchFacts(),
    ...(await seccompOf(spec)),
    chownStdio: chownedStreams(terminal, uid),
    dieWithParent: false,
    ...rest,
  };
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

/** The configuration with more environment variables for its process. */
export function withEnvironment(spec: Spec, more: readonly string[]): Spec {
  if (more.length === 0 || spec.process === undefined) return spec;
  return { ...spec, process: { ...spec.process, env: [...(spec.process.env ?? []), ...more] } };
}

/**
 * `run --dry-run`: what a bundle would become, in order, and nothing of it done. The planners are those of run.
 */
import { loadCgroupFacts } from "../cgroup/apply-cgroup.ts";
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { planCgroup } from "../cgroup/plan-cgroup.ts";
import { planStart } from "../launch/plan-start.ts";
import { renderPlan } from "../launch/render-plan.ts";
import type { Spec } from "../spec/oci.ts";
import { cgroupsPathOf, withDefaultDevices } from "./container-cgroup.ts";
import { checkContainerId } from "./container-store.ts";
import { contextOfStart } from "./launch-context.ts";
import { checkNamespacePaths, loadBundle } from "./load-bundle.ts";
import type { OciContext } from "./oci-context.ts";
import type { OciOptions } from "./option.ts";
import { withoutUnsetLimits } from "./set-limits.ts";
import { printLine } from "./standard-output.ts";

/** Prints the plan; throws what run would, as far as it can be told without doing it. */
export async function printDryRun(context: OciContext, id: string, options: OciOptions): Promise<number> {
  checkContainerId(id);
  const { spec, rootfs } = loadBundle(options.value("bundle") ?? ".", options.value("config"));
  checkNamespacePaths(spec);
  const hierarchy = detectCgroups();
  const startContext = await contextOfStart(spec, rootfs, {
    cgroupTasks: hierarchy.mounts.filter(({ version }) => version === 1).length,
    preserveFds: options.count("preserve-fds"),
    noPivot: options.flag("no-pivot"),
    ...(options.flag("no-new-keyring") ? {} : { keyring: id }),
    ...(spec.process?.terminal === true ? { console: { number: 0 } } : {}),
  });
  const parts = [
    ["state", [`mkdir("${context.store.folder(id)}", 0711)    # undo: remove it`]],
    ["cgroup", cgroupLines(context, id, spec)],
    ["process (by its own init, up to execve)", renderPlan(planStart(spec, startContext))],
  ] as const;
  const text = parts
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => [`# ${title}`, ...lines].join("\n"));
  printLine(text.join("\n\n"));
  return 0;
}

function cgroupLines(context: OciContext, id: string, spec: Spec): readonly string[] {
  const path = cgroupsPathOf(context, id, spec);
  if (path === undefined) return [];
  const hierarchy = detectCgroups();
  const devices = withDefaultDevices(spec.linux?.resources?.devices ?? []);
  const resources = { ...withoutUnsetLimits(spec.linux?.resources ?? {}), devices };
  const steps = planCgroup(hierarchy, path, resources, loadCgroupFacts(hierarchy, path));
  return steps.map(
    (step) => `${step.kind}(${"path" in step ? JSON.stringify(step.path) : ""})    # ${step.label}`,
  );
}

/**
 * SpecProcess → LaunchPlan of a further process in a running container.
 *
 * Namespaces are joined all at once by a pidfd, so that a pid which was reused can never be joined by mistake; a
 * process enters a pid namespace only through a fork, whose child is made the engine's own (CLONE_PARENT). "go" is
 * awaited after that fork: the engine moves the final process into the container's cgroups first.
 */
import { BockerError } from "../errors.ts";
import type { SpecProcess } from "../spec/oci.ts";
import { checkProcess } from "./check-spec.ts";
import type { ExecContext, JoinableNamespace } from "./context.ts";
import type { CloneFlag } from "./operation.ts";
import { alwaysInherited, type LaunchPlan } from "./plan.ts";
import { planAffinity, planLimits, planOomScore, planPersonality } from "./plan-attributes.ts";
import { PlanBuilder } from "./plan-builder.ts";
import { preservedNames } from "./plan-gate.ts";
import { cgroupTaskNames, planCgroupEntry, planGuard, planProcess, planSession } from "./plan-process.ts";

/** What setns calls each. */
export const joinFlag: Readonly<Record<JoinableNamespace, CloneFlag>> = {
  user: "CLONE_NEWUSER",
  mount: "CLONE_NEWNS",
  pid: "CLONE_NEWPID",
  network: "CLONE_NEWNET",
  ipc: "CLONE_NEWIPC",
  uts: "CLONE_NEWUTS",
  cgroup: "CLONE_NEWCGROUP",
  time: "CLONE_NEWTIME",
};

/** Plans an exec. The caller hands startProcess the target's pidfd as descriptor `target`. */
export function planExec(process: SpecProcess, context: ExecContext): LaunchPlan {
  if (process.args?.[0] === undefined)
    throw new BockerError("no command specified", { kind: "invalid-config" });
  checkProcess(process, context);
  const userNamespace = context.namespaces.includes("user");
  const inherits = [...alwaysInherited, "target", ...cgroupTaskNames(context), ...preservedNames(context)];
  const builder = new PlanBuilder();
  planGuard(builder);
  planAffinity(builder, process.execCPUAffinity?.initial);
  planCgroupEntry(builder, context);
  planAffinity(builder, process.execCPUAffinity?.final);
  planOomScore(builder, process);
  if (userNamespace) planLimits(builder, process);
  if (context.namespaces.length > 0) {
    builder.step("joining the container's namespaces");
    builder.add({
      call: "setns",
      fd: "target",
      types: context.namespaces.map((namespace) => joinFlag[namespace]),
    });
  }
  if (context.namespaces.includes("pid")) {
    builder.step("entering the pid namespace").add({ call: "fork" });
  }
  builder.step("waiting for the engine").add({ call: "wait", for: "go" });
  planSession(builder, process);
  planPersonality(builder, context.personality);
  planProcess(builder, process, { ...context, userNamespace, inherits });
  return {
    purpose: "exec",
    cloneFlags: [],
    inherits,
    initArgs: ["bocker:exec"],
    operations: builder.operations,
  };
}

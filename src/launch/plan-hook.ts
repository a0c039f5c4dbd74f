/**
 * SpecHook → LaunchPlan of the process that runs it: in the engine's own namespaces, among a container's mounts before
 * its root is "/", or inside the container.
 *
 * A path of the host is the administrator's and runs with all rights. What a container's own file system has at a
 * path is not: such a hook gets the user, capabilities and filter of the container's process.
 */
import type { SpecHook, SpecProcess } from "../spec/oci.ts";
import type { ExecContext, JoinableNamespace } from "./context.ts";
import type { CloneFlag } from "./operation.ts";
import { alwaysInherited, type LaunchPlan } from "./plan.ts";
import { PlanBuilder } from "./plan-builder.ts";
import { joinFlag, planExec } from "./plan-exec.ts";
import { planGuard } from "./plan-process.ts";

/** Where a hook runs. In a container its pidfd is the descriptor `target`. */
export type HookPlace =
  | { readonly in: "runtime" }
  | { readonly in: "mounts"; readonly namespaces: readonly JoinableNamespace[] }
  | { readonly in: "container"; readonly process: SpecProcess; readonly context: ExecContext };

/** Plans a hook. Without `env` it gets `environment`; in a container, that of its process, as with runc. */
export function planHook(hook: SpecHook, place: HookPlace, environment: readonly string[]): LaunchPlan {
  const { args = [hook.path], env = place.in === "container" ? (place.process.env ?? []) : environment } =
    hook;
  if (place.in === "container") return planInside(hook.path, { ...place.process, args, env }, place.context);
  const builder = new PlanBuilder();
  if (place.in === "mounts") planJoin(builder, place.namespaces);
  // So that a hook that hangs can be killed with all that it started.
  builder.step("creating a session").add({ call: "setsid" });
  builder.step("closing inherited descriptors");
  builder.add({ call: "close_range", first: 3, flags: ["CLOSE_RANGE_CLOEXEC"] });
  builder.step(`exec: ${JSON.stringify(hook.path)}`).add({ call: "report" });
  builder.add({ call: "execve", candidates: [hook.path], args, env, init: false });
  return {
    purpose: "hook",
    cloneFlags: [],
    inherits: place.in === "mounts" ? [...alwaysInherited, "target"] : alwaysInherited,
    initArgs: ["bocker:hook"],
    operations: builder.operations,
  };
}

function planJoin(builder: PlanBuilder, namespaces: readonly JoinableNamespace[]): void {
  planGuard(builder);
  builder.step("joining the container's namespaces");
  const types: readonly CloneFlag[] = namespaces.map((namespace) => joinFlag[namespace]);
  if (types.length > 0) builder.add({ call: "setns", fd: "target", types });
  if (namespaces.includes("user")) {
    builder.add({ call: "setresgid", id: 0 }, { call: "setresuid", id: 0 });
  }
  if (namespaces.includes("pid")) builder.step("entering the pid namespace").add({ call: "fork" });
}

function planInside(path: string, process: SpecProcess, context: ExecContext): LaunchPlan {
  const plan = planExec({ ...process, terminal: false, cwd: "/" }, context);
  const operations = plan.operations.map((operation) =>
    operation.call === "execve" ? { ...operation, candidates: [path] } : operation,
  );
  return { ...plan, purpose: "hook", initArgs: ["bocker:hook"], operations };
}

/**
 * When a container's hooks run, and the state they read; how one runs is src/runtime/run-hook.ts.
 *
 *   create: prestart, createRuntime, createContainer      start: startContainer, poststart      delete: poststop
 *
 * Loaded only for containers that have some.
 */
import { openCgroup } from "../cgroup/open-cgroup.ts";
import { messageOf } from "../errors.ts";
import { type HookTarget, runHooks } from "../runtime/run-hook.ts";
import type { Spec, SpecHooks } from "../spec/oci.ts";
import type { ContainerRecord } from "./container-record.ts";
import { type ContainerStatus, cgroupOf, stateOf } from "./container-status.ts";
import { contextOfExec } from "./launch-context.ts";
import type { OciContext } from "./oci-context.ts";

/** What a hook gets on its standard input. */
function hookState(record: ContainerRecord, status: ContainerStatus): string {
  return JSON.stringify(stateOf(record, status));
}

/** The hooks of create, while the container's mounts are made and its root is not "/" yet. Throws for the first that fails. */
export async function runCreateHooks(
  hooks: SpecHooks | undefined,
  record: ContainerRecord,
  target: HookTarget,
): Promise<void> {
  const state = hookState(record, "creating");
  await runHooks("prestart", hooks?.prestart, { in: "runtime" }, state);
  await runHooks("createRuntime", hooks?.createRuntime, { in: "runtime" }, state);
  await runHooks("createContainer", hooks?.createContainer, { in: "mounts", target }, state);
}

/** Once the command runs. Throws for the first that fails: the container is to be destroyed (runtime.md#lifecycle, step 9). */
export async function runPoststart(hooks: SpecHooks | undefined, record: ContainerRecord): Promise<void> {
  await runHooks("poststart", hooks?.poststart, { in: "runtime" }, hookState(record, "running"));
}

/** When the container is gone (step 13). Every one is run, and a failure is only told of. */
export async function runPoststop(
  { log }: OciContext,
  hooks: SpecHooks | undefined,
  record: ContainerRecord,
): Promise<void> {
  const state = hookState(record, "stopped");
  for (const hook of hooks?.poststop ?? []) {
    try {
      await runHooks("poststop", [hook], { in: "runtime" }, state);
    } catch (error) {
      log.write("warning", messageOf(error));
    }
  }
}

/** In the container's namespaces, with the rights of its process (config.md#startcontainer-hooks). */
export async function runStartContainerHooks(
  spec: Spec,
  record: ContainerRecord,
  target: HookTarget,
): Promise<void> {
  if (spec.process === undefined) return;
  const found = cgroupOf(record);
  using cgroup = found === undefined ? undefined : openCgroup(found);
  const context = await contextOfExec(spec, {
    namespaces: [],
    cgroupTasks: cgroup?.taskFds.length ?? 0,
    preserveFds: 0,
    process: spec.process,
    terminal: false,
  });
  const setting = {
    in: "container",
    target,
    process: spec.process,
    context,
    ...(cgroup === undefined ? {} : { cgroup }),
  } as const;
  const state = hookState(record, "created");
  await runHooks("startContainer", spec.hooks?.startContainer, setting, state);
}

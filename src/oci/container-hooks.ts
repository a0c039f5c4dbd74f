/**
 * When a container's hooks run, and the state they read; how one runs is src/runtime/run-hook.ts.
 *
 *   create: prestart, createRuntime, createContainer      start: startContainer, poststart      delete: poststop
 */
import { readFileSync } from "node:fs";
import { messageOf } from "../errors.ts";
import { type HookTarget, runHooks } from "../runtime/run-hook.ts";
import type { Spec, SpecHooks } from "../spec/oci.ts";
import type { ContainerRecord } from "./container-record.ts";
import { type ContainerStatus, stateOf } from "./container-status.ts";
import { parseKeptConfig } from "./load-bundle.ts";
import type { OciContext } from "./oci-context.ts";

/** What a hook gets on its standard input. */
export function hookState(record: ContainerRecord, status: ContainerStatus): string {
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

/** Once the command runs. Throws for the first that fails: the container is to be ended then. */
export async function runPoststart(hooks: SpecHooks | undefined, record: ContainerRecord): Promise<void> {
  await runHooks("poststart", hooks?.poststart, { in: "runtime" }, hookState(record, "running"));
}

/** Every one is run, and a failure is only told of (runtime.md#lifecycle, step 13). */
export async function runPoststop(context: OciContext, record: ContainerRecord): Promise<void> {
  for (const hook of keptHooks(context, record)?.poststop ?? []) {
    try {
      await runHooks("poststop", [hook], { in: "runtime" }, hookState(record, "stopped"));
    } catch (error) {
      context.log.write("warning", messageOf(error));
    }
  }
}

/** A configuration that is gone or broken has no hooks that could be run. */
function keptHooks({ store, log }: OciContext, { id }: ContainerRecord): SpecHooks | undefined {
  const path = store.configFile(id);
  try {
    const spec: Spec = parseKeptConfig(readFileSync(path, "utf8"), path);
    return spec.hooks;
  } catch (error) {
    log.write("warning", `poststop hooks are not run: ${messageOf(error)}`);
    return undefined;
  }
}

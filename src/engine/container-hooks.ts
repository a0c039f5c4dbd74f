/**
 * Hooks that CDI files give a container: they run as those of an OCI bundle, whose configuration is written for them to read.
 *
 * Loaded only for containers that have some. The container's folder is the bundle.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../errors.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import { trace } from "../host/trace.ts";
import { type HookTarget, runHooks } from "../runtime/run-hook.ts";
import type { Spec } from "../spec/oci.ts";

/** Where the root is attached while hooks run, in the container's mount namespace alone. */
export function hookRootOf(folder: string): string {
  return join(folder, "merged");
}

/** Makes what hooks find in the bundle. */
export function prepareHooks(folder: string, spec: Spec): void {
  mkdirSync(hookRootOf(folder), { recursive: true, mode: 0o700 });
  const text = JSON.stringify(spec, (_, value) => (typeof value === "bigint" ? Number(value) : value));
  writeFileAtomic(join(folder, "config.json"), text, { mode: 0o600 });
}

/** While the container's mounts are made and its root is not "/" yet. Throws for the first that fails. */
export async function runCreateHooks(
  id: string,
  folder: string,
  spec: Spec,
  target: HookTarget,
): Promise<void> {
  const state = stateOf(id, folder, spec, target.pid, "creating");
  await runHooks("prestart", spec.hooks?.prestart, { in: "runtime" }, state);
  await runHooks("createRuntime", spec.hooks?.createRuntime, { in: "runtime" }, state);
  await runHooks("createContainer", spec.hooks?.createContainer, { in: "mounts", target }, state);
}

/** Once the command runs; it goes on whatever a hook does (runtime.md#lifecycle). */
export async function runPoststartHooks(id: string, folder: string, spec: Spec, pid: number): Promise<void> {
  try {
    const state = stateOf(id, folder, spec, pid, "running");
    await runHooks("poststart", spec.hooks?.poststart, { in: "runtime" }, state);
  } catch (error) {
    trace(messageOf(error));
  }
}

/** runtime.md#state */
function stateOf(
  id: string,
  folder: string,
  { ociVersion, annotations }: Spec,
  pid: number,
  status: string,
): string {
  return JSON.stringify({ ociVersion, id, status, pid, bundle: folder, ...(annotations && { annotations }) });
}

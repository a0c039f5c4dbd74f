/**
 * `delete`: gives back what create took, in an order that can be cut short anywhere and done again: processes, cgroup,
 * poststop hooks, and the state last.
 */
import { isFrozen, thawCgroup } from "../cgroup/kill-cgroup.ts";
import { BockerError, messageOf } from "../errors.ts";
import { isProcessAlive } from "../host/process-identity.ts";
import { openProcess, signalProcess } from "../runtime/signal-process.ts";
import type { SpecHooks } from "../spec/oci.ts";
import { waitUntilGone } from "./await-end.ts";
import { removeContainerCgroup } from "./container-cgroup.ts";
import type { ContainerRecord } from "./container-record.ts";
import { cgroupOf, statusOf } from "./container-status.ts";
import { loadKeptConfig } from "./load-bundle.ts";
import type { OciContext } from "./oci-context.ts";

const SIGKILL = 9;

/**
 * Removes a container that has ended, or never ran (as runc does); with `force` any, and one that is not there is no error.
 * @throws BockerError in runc's words for one that runs
 */
export async function deleteContainer(context: OciContext, id: string, force: boolean): Promise<void> {
  const { store } = context;
  try {
    using _lock = store.lock(id);
    const record = force ? findAny(context, id) : store.find(id);
    if (record !== undefined) {
      const status = statusOf(store, record);
      if (!force && status !== "stopped" && status !== "created") {
        throw new BockerError(`cannot delete container ${id} that is not stopped: ${status}`, {
          kind: "conflict",
        });
      }
      await release(context, record);
    }
    store.remove(id);
  } catch (error) {
    if (force && error instanceof BockerError && error.kind === "not-found") return;
    throw error;
  }
}

/** A broken record says nothing that could be trusted; its folder can go all the same. */
function findAny({ store, log }: OciContext, id: string): ContainerRecord | undefined {
  try {
    return store.find(id);
  } catch (error) {
    if (!(error instanceof BockerError) || error.kind !== "corrupt") throw error;
    log.write("warning", messageOf(error));
    return undefined;
  }
}

/** Everything but the state. Goes on after an error, and throws the first at the end. */
export async function release(context: OciContext, record: ContainerRecord): Promise<void> {
  const steps = [endInit, removeContainerCgroup, (each: ContainerRecord) => runLastHooks(context, each)];
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step(record);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

async function endInit(record: ContainerRecord): Promise<void> {
  const { init } = record;
  if (init === undefined || !isProcessAlive(init)) return;
  const pidfd = openProcess(init);
  if (pidfd === undefined) return;
  signalProcess({ pidfd }, SIGKILL);
  // What is frozen on v1 dies only once it is let go.
  const cgroup = cgroupOf(record);
  if (cgroup !== undefined && isFrozen(cgroup)) await thawCgroup(cgroup);
  await waitUntilGone(pidfd);
}

async function runLastHooks(context: OciContext, record: ContainerRecord): Promise<void> {
  const hooks = keptHooks(context, record);
  if ((hooks?.poststop ?? []).length === 0) return;
  const { runPoststop } = await import("./container-hooks.ts");
  await runPoststop(context, hooks, record);
}

/** A configuration that is gone or broken has no hooks that could be run. */
function keptHooks({ store, log }: OciContext, { id }: ContainerRecord): SpecHooks | undefined {
  try {
    return loadKeptConfig(store.configFile(id)).hooks;
  } catch (error) {
    log.write("warning", `poststop hooks are not run: ${messageOf(error)}`);
    return undefined;
  }
}

/**
 * `start`: the hooks inside the container, the gate, the hooks after it.
 */
import { readFileSync } from "node:fs";
import { close } from "../../ffi/file.ts";
import { openCgroup } from "../cgroup/open-cgroup.ts";
import { BockerError } from "../errors.ts";
import { runHooks } from "../runtime/run-hook.ts";
import { openProcess, signalProcess } from "../runtime/signal-process.ts";
import { openGate } from "../runtime/start-gate.ts";
import type { Spec } from "../spec/oci.ts";
import { hookState, runPoststart } from "./container-hooks.ts";
import type { ContainerRecord } from "./container-record.ts";
import { cgroupOf, statusOf } from "./container-status.ts";
import { contextOfExec } from "./launch-context.ts";
import { parseKeptConfig } from "./load-bundle.ts";
import type { OciContext } from "./oci-context.ts";

const SIGKILL = 9;

/**
 * Lets a created container run; returns when its command does. A hook that fails ends the container.
 * @throws BockerError in runc's words where it is not waiting; those of the command that cannot be executed
 */
export async function startContainer({ store }: OciContext, id: string): Promise<void> {
  using _lock = store.lock(id);
  const record = store.load(id);
  const status = statusOf(store, record);
  if (status === "stopped" || record.init === undefined) {
    throw new BockerError("cannot start a container that has stopped", { kind: "not-running" });
  }
  if (status !== "created") {
    throw new BockerError("cannot start an already running container", { kind: "conflict" });
  }
  const path = store.configFile(id);
  const spec = parseKeptConfig(readFileSync(path, "utf8"), path);
  const pidfd = openProcess(record.init);
  if (pidfd === undefined || spec.process === undefined) {
    throw new BockerError("cannot start a container that has stopped", { kind: "not-running" });
  }
  try {
    await runStartContainerHooks(spec, record, { pid: record.init.pid, pidfd });
    await openGate(store.folder(id), spec.process);
    await runPoststart(spec.hooks, record);
  } catch (error) {
    signalProcess({ pidfd }, SIGKILL);
    throw error;
  } finally {
    close(pidfd);
  }
}

/** In the container's namespaces, with the rights of its process (config.md#startcontainer-hooks). */
export async function runStartContainerHooks(
  spec: Spec,
  record: ContainerRecord,
  target: { readonly pid: number; readonly pidfd: number },
): Promise<void> {
  const hooks = spec.hooks?.startContainer ?? [];
  if (hooks.length === 0 || spec.process === undefined) return;
  const found = cgroupOf(record);
  using cgroup = found === undefined ? undefined : openCgroup(found);
  const context = await contextOfExec(spec, {
    namespaces: [],
    cgroupTasks: cgroup?.taskFds.length ?? 0,
    preserveFds: 0,
    uid: 0,
    terminal: false,
  });
  const setting = {
    in: "container",
    target,
    process: spec.process,
    context,
    ...(cgroup === undefined ? {} : { cgroup }),
  } as const;
  await runHooks("startContainer", hooks, setting, hookState(record, "created"));
}

/**
 * `start`: the hooks inside the container, the gate, the hooks after it.
 */
import { existsSync } from "node:fs";
import { close } from "../../ffi/file.ts";
import { BockerError, messageOf } from "../errors.ts";
import { openProcess, signalProcess } from "../runtime/signal-process.ts";
import { openGate } from "../runtime/start-gate.ts";
import type { ContainerRecord } from "./container-record.ts";
import { release } from "./delete-container.ts";
import { loadKeptConfig } from "./load-bundle.ts";
import type { OciContext } from "./oci-context.ts";

const SIGKILL = 9;

/**
 * Lets a created container run; returns when its command does. A startContainer hook that fails ends it,
 * a poststart hook destroys it (runtime.md#lifecycle, step 9).
 * @throws BockerError in runc's words where it is not waiting; those of the command that cannot be executed
 */
export async function startContainer(context: OciContext, id: string): Promise<void> {
  const { store } = context;
  using _lock = store.lock(id);
  const record = store.load(id);
  const pidfd = record.init === undefined ? undefined : openProcess(record.init);
  if (pidfd === undefined || record.init === undefined) {
    throw new BockerError("cannot start a container that has stopped", { kind: "not-running" });
  }
  try {
    if (!existsSync(store.fifo(id))) {
      throw new BockerError("cannot start an already running container", { kind: "conflict" });
    }
    const spec = loadKeptConfig(store.configFile(id));
    if (spec.process === undefined) throw new BockerError("no command specified", { kind: "invalid-config" });
    const { startContainer: inside = [], poststart = [] } = spec.hooks ?? {};
    const hooks = inside.length + poststart.length === 0 ? undefined : await import("./container-hooks.ts");
    try {
      if (inside.length > 0)
        await hooks?.runStartContainerHooks(spec, record, { pid: record.init.pid, pidfd });
      await openGate(store.folder(id), spec.process);
    } catch (error) {
      signalProcess({ pidfd }, SIGKILL);
      throw error;
    }
    if (poststart.length > 0) await finish(context, record, () => hooks?.runPoststart(spec.hooks, record));
  } finally {
    close(pidfd);
  }
}

/** Whatever fails, the container is gone then: its process, its cgroup and its state. */
async function finish(
  context: OciContext,
  record: ContainerRecord,
  step: () => Promise<void> | undefined,
): Promise<void> {
  try {
    await step();
  } catch (error) {
    try {
      await release(context, record);
    } catch (second) {
      context.log.write("warning", `cleaning up: ${messageOf(second)}`);
    }
    context.store.remove(record.id);
    throw error;
  }
}

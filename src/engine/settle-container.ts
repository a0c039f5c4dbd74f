/**
 * Making a record say the truth again after a crash: whoever meets a container whose processes are gone settles it.
 *
 * What outlives a crash (cgroup, lease, port, firewall element, run folder) is keyed by container id, so releasing is
 * idempotent and may happen twice. A monitor that was killed takes the container along (PR_SET_PDEATHSIG); where the
 * kernel cleared that (a setuid program), the container is killed here: without its monitor nobody could tell how it
 * ends.
 */
import { bootId } from "../host/clock.ts";
import { isProcessAlive } from "../host/process-identity.ts";
import { signalProcess } from "../runtime/signal-process.ts";
import { getContainer } from "../state/container.ts";
import {
  markExited,
  markRestartEnded,
  markStartFailed,
  needsSettling,
  setStatus,
} from "../state/container-life.ts";
import type { ContainerRecord } from "../state/record.ts";
import { hasContainerImage } from "./container-image.ts";
import type { Engine } from "./engine.ts";
import { releaseContainer } from "./release-container.ts";
import { removeSettled } from "./remove-container.ts";
import { thawContainer } from "./thaw-container.ts";
import { tellUnmounted } from "./volume-events.ts";

const SIGKILL = 9;
const killedExitCode = 137;
/** docker's code for a container that ended while nobody watched: the machine went down. */
const unknownExitCode = 255;

/** The record as it is now; undefined when settling meant removing it. Cheap where there is nothing to settle. */
export async function settleContainer(
  engine: Engine,
  record: ContainerRecord,
): Promise<ContainerRecord | undefined> {
  if (!needsSettling(record)) return record;
  killOrphan(record);
  // What is frozen dies only once it is let go.
  await thawContainer(engine, record).catch(() => undefined);
  const current = getContainer(engine.state, record.id);
  if (current === undefined) return undefined;
  if (!needsSettling(current)) return current;
  recordEnd(engine, current);
  await releaseContainer(engine, current);
  return getContainer(engine.state, record.id);
}

/**
 * A removal or a making that was cut short, and a --rm container whose monitor died before it could remove it, end
 * here.
 */
export async function settleWhole(
  engine: Engine,
  record: ContainerRecord,
): Promise<ContainerRecord | undefined> {
  const wasLive = needsSettling(record);
  const settled = await settleContainer(engine, record);
  if (settled === undefined) return undefined;
  const isToGo = wasLive && settled.config.autoRemove && settled.stopIntent !== "restart";
  if (settled.status !== "removing" && !isToGo) return settled;
  if (needsSettling(settled) || settled.init !== undefined) return settled;
  const wasHalfMade = record.status === "created" && settled.status === "removing";
  await removeSettled(engine, settled, { volumes: settled.config.autoRemove || wasHalfMade });
  return undefined;
}

function killOrphan({ init }: ContainerRecord): void {
  if (init !== undefined && isProcessAlive(init)) signalProcess(init, SIGKILL);
}

function recordEnd(engine: Engine, record: ContainerRecord): void {
  const { state } = engine;
  const { id, init, monitor } = record;
  if (record.status === "created" && init === undefined && monitor !== undefined) {
    const isHalfMade = !hasContainerImage(engine, record);
    state.transaction(() => {
      markStartFailed(state, id, monitor, {
        exitCode: 128,
        error: "its monitor was killed while it started",
      });
      if (isHalfMade) setStatus(state, id, ["created"], "removing");
    });
    return;
  }
  if (record.status === "restarting" && init === undefined && monitor !== undefined) {
    markRestartEnded(state, id, monitor);
    return;
  }
  const owner = { ...(init ? { init } : {}), ...(monitor ? { monitor } : {}) };
  const sameBoot = (init ?? monitor)?.bootId === bootId();
  const isOurs = markExited(state, id, owner, {
    exitCode: sameBoot ? killedExitCode : unknownExitCode,
    oomKilled: false,
    error: sameBoot ? "" : "the machine went down while it ran",
  });
  if (isOurs && init !== undefined) tellUnmounted(engine, record);
}

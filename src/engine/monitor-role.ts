/**
 * What a monitor process does with the engine: starts its one container, and settles its end.
 *
 * src/monitor knows nothing of images, plans or the database; this is where main.ts gets what it is given instead.
 */
import { closeQuietly } from "../../ffi/file.ts";
import type { WindowSize } from "../../ffi/tty.ts";
import { readOomKilled } from "../cgroup/cgroup-stats.ts";
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { resolveCgroup } from "../cgroup/hierarchy.ts";
import { BockerError } from "../errors.ts";
import { sinceBootMs } from "../host/clock.ts";
import { type ProcessIdentity, readProcessIdentity } from "../host/process-identity.ts";
import { selfCommand } from "../host/self-command.ts";
import { firstPauseMs, type HealthSchedule } from "../monitor/health-timer.ts";
import type {
  MonitorDependencies,
  ProcessExit,
  Settlement,
  StartedContainer,
} from "../monitor/monitor-dependencies.ts";
import { isGoingDown } from "../monitor/shutdown-notice.ts";
import { signalProcess } from "../runtime/signal-process.ts";
import { waitForExit } from "../runtime/wait-for-exit.ts";
import { getContainer } from "../state/container.ts";
import {
  markExited,
  markRestartEnded,
  markRestarting,
  markStopIntent,
  setStatus,
} from "../state/container-life.ts";
import { appendContainerEvent } from "../state/event.ts";
import type { ContainerRecord } from "../state/record.ts";
import { awaitRestart } from "./await-restart.ts";
import { cgroupPathOf } from "./container-cgroup.ts";
import { attachSocketOf } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { stillStartingCode } from "./health-check.ts";
import { checkLogPath, logTargetOf } from "./log-target.ts";
import { releaseContainer } from "./release-container.ts";
import { removeReleased } from "./remove-container.ts";
import { planRestart } from "./restart-policy.ts";
import { startContainer } from "./start-container.ts";
import { thawContainer } from "./thaw-container.ts";
import { tellMounted, tellUnmounted } from "./volume-events.ts";

/** The engine as a monitor sees it; one value serves one container. */
export function monitorDependencies(engine: Engine): MonitorDependencies {
  const monitor = readProcessIdentity(process.pid);
  if (monitor === undefined)
    throw new BockerError("cannot read /proc/self: is proc mounted?", { kind: "host" });
  return {
    startContainer: async (id, { size, isAttached }) => {
      checkLog(engine, id);
      if (isAttached === true) appendContainerEvent(engine.state, id, "attach");
      return monitored(engine, await startTelling(engine, id, monitor, size));
    },
    settleExit: (id, exit) => settleExit(engine, id, monitor, exit),
    restartContainer: async (id, delayMs) => {
      const started = await restart(engine, id, monitor, delayMs);
      return started === undefined ? undefined : monitored(engine, started);
    },
    thawContainer: async (id) => {
      const record = getContainer(engine.state, id);
      if (record !== undefined) await thawContainer(engine, record);
    },
  };
}

function checkLog(engine: Engine, id: string): void {
  const record = getContainer(engine.state, id);
  if (record !== undefined) checkLogPath(record.config.log);
}

/** Starts it between what is told of its volumes. */
async function startTelling(
  engine: Engine,
  id: string,
  monitor: ProcessIdentity,
  size?: WindowSize,
): Promise<Started> {
  const record = getContainer(engine.state, id);
  if (record !== undefined) tellMounted(engine, record);
  try {
    return await startContainer(engine, id, monitor, size);
  } catch (error) {
    if (record !== undefined) {
      tellUnmounted(engine, record);
      removeIfUnwanted(engine, record);
    }
    throw error;
  }
}

/** Whoever removed it while it started may have been done before the start made its last files. */
function removeIfUnwanted(engine: Engine, record: ContainerRecord): void {
  const current = getContainer(engine.state, record.id);
  if (current === undefined || current.status === "removing")
    removeReleased(engine, record, { volumes: false });
}

/** Of this run, from now on. */
function deadlineOf({ config }: ContainerRecord): Pick<StartedContainer, "deadlineMs"> {
  const { timeoutSeconds } = config;
  return timeoutSeconds === undefined ? {} : { deadlineMs: sinceBootMs() + timeoutSeconds * 1000 };
}

type Started = Awaited<ReturnType<typeof startContainer>>;

/** Each check is a process of its own; see run-health-check.ts. */
function healthScheduleOf({ record, healthCheck }: Started): { readonly health?: HealthSchedule } {
  if (healthCheck === undefined) return {};
  const { intervalMs, startPeriodMs, startIntervalMs } = healthCheck;
  const times = { intervalMs, startPeriodMs, startIntervalMs };
  const startedMs = sinceBootMs();
  return {
    health: {
      ...times,
      startedMs,
      nextMs: startedMs + firstPauseMs(times),
      command: selfCommand("health-check", record.id),
      startingCode: stillStartingCode,
    },
  };
}

function monitored(engine: Engine, started: Started): StartedContainer {
  const { record, process, stdio } = started;
  const { pidfd } = process;
  let hasEnded = false;
  const exited = waitForExit(process).finally(() => {
    hasEnded = true;
    closeQuietly(pidfd);
  });
  return {
    stdio,
    process: {
      exited,
      signal: (signal) => {
        if (!hasEnded) signalProcess({ pidfd }, signal);
      },
    },
    stdinOnce: record.config.interactive,
    rest: { pidfd, command: selfCommand("monitor") },
    ports: started.forwarders,
    ...(started.names && { names: started.names }),
    log: logTargetOf(engine, record),
    socketPath: attachSocketOf(engine.paths, record.id),
    ...healthScheduleOf(started),
    ...deadlineOf(record),
  };
}

/** Undefined: somebody stopped it meanwhile, or it cannot be started any more; then the last end stays the end. */
async function restart(
  engine: Engine,
  id: string,
  monitor: ProcessIdentity,
  delayMs: number,
): Promise<Started | undefined> {
  try {
    if (await awaitRestart(engine, id, delayMs)) return await startTelling(engine, id, monitor);
  } catch {
    // The reason is in the record; only its status is left to be said.
    setStatus(engine.state, id, ["restarting"], "exited");
  }
  markRestartEnded(engine.state, id, monitor);
  return undefined;
}

/**
 * The counters are read while the cgroup is there; what the container held is given back before its end is recorded,
 * so that whoever sees it ended can take its ports and addresses.
 */
async function settleExit(
  engine: Engine,
  id: string,
  monitor: ProcessIdentity,
  { exitCode }: ProcessExit,
): Promise<Settlement> {
  const running = getContainer(engine.state, id);
  if (running === undefined) return {};
  const ranMs = runningTimeMs(running);
  const end = { exitCode, oomKilled: wasOomKilled(engine, running), ranMs };
  const problems = await releaseContainer(engine, running);
  const warning = problems.length > 0 ? { warning: problems.join("; ") } : {};
  if (isGoingDown()) markStopIntent(engine.state, id, "shutdown");
  // Read again: it may have been asked to stop, or given another policy.
  const record = getContainer(engine.state, id) ?? running;
  const plannedMs = planRestart(record, { exitCode, ranMs });
  const restartInMs = engine.state.transaction(() => {
    if (plannedMs !== undefined && markRestarting(engine.state, id, monitor, end, plannedMs))
      return plannedMs;
    markExited(engine.state, id, { monitor }, end);
    return undefined;
  });
  tellUnmounted(engine, record);
  if (restartInMs !== undefined) return { ...warning, restartInMs };
  if (record.config.autoRemove && record.stopIntent !== "restart") removeEnded(engine, id);
  return warning;
}

/** By the clock that no change of time moves. Ticks are hundredths of a second on every Linux. */
function runningTimeMs({ init }: ContainerRecord): number {
  return init === undefined ? 0 : sinceBootMs() - Number(init.startTicks) * 10;
}

function wasOomKilled(engine: Engine, record: ContainerRecord): boolean {
  const hierarchy = detectCgroups();
  if (hierarchy.mode === "none") return false;
  return readOomKilled(resolveCgroup(hierarchy, cgroupPathOf(engine, record)));
}

function removeEnded(engine: Engine, id: string): void {
  const record = getContainer(engine.state, id);
  if (record !== undefined) removeReleased(engine, record, { volumes: true });
}

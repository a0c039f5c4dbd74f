/**
 * What a monitor process does with the engine: starts its one container, and settles its end.
 *
 * src/monitor knows nothing of images, plans or the database; this is where main.ts gets what it is given instead.
 */
import { closeQuietly } from "../../ffi/file.ts";
import { readOomKilled } from "../cgroup/cgroup-stats.ts";
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { resolveCgroup } from "../cgroup/hierarchy.ts";
import { BockerError } from "../errors.ts";
import { type ProcessIdentity, readProcessIdentity } from "../host/process-identity.ts";
import { selfCommand } from "../host/self-command.ts";
import type { MonitorDependencies, ProcessExit, StartedContainer } from "../monitor/monitor-dependencies.ts";
import { signalProcess } from "../runtime/signal-process.ts";
import { waitForExit } from "../runtime/wait-for-exit.ts";
import { getContainer } from "../state/container.ts";
import { markExited } from "../state/container-life.ts";
import type { ContainerRecord } from "../state/record.ts";
import { cgroupPathOf } from "./container-cgroup.ts";
import { attachSocketOf, logPathOf } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { releaseContainer } from "./release-container.ts";
import { removeReleased } from "./remove-container.ts";
import { startContainer } from "./start-container.ts";

/** The engine as a monitor sees it; one value serves one container. */
export function monitorDependencies(engine: Engine): MonitorDependencies {
  const monitor = readProcessIdentity(process.pid);
  if (monitor === undefined)
    throw new BockerError("cannot read /proc/self: is proc mounted?", { kind: "host" });
  let forwarders: Disposable | undefined;
  return {
    startContainer: async (id, { size }) => {
      const started = await startContainer(engine, id, monitor, size);
      forwarders = started.forwarders;
      return monitored(engine, started);
    },
    settleExit: async (id, exit) => {
      forwarders?.[Symbol.dispose]();
      await settleExit(engine, id, monitor, exit);
    },
  };
}

type Started = Awaited<ReturnType<typeof startContainer>>;

function monitored(engine: Engine, { record, process, stdio }: Started): StartedContainer {
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
    // Published ports may be served by this very process; without any, it can become a smaller one.
    ...(record.config.ports.length === 0 ? { rest: { pidfd, command: selfCommand("monitor") } } : {}),
    log: { ...record.config.log, path: logPathOf(engine.paths, record.id) },
    socketPath: attachSocketOf(engine.paths, record.id),
  };
}

/**
 * The counters are read while the cgroup is there; what the container held is given back before its end is recorded,
 * so that whoever sees it ended can take its ports and addresses.
 */
async function settleExit(
  engine: Engine,
  id: string,
  monitor: ProcessIdentity,
  exit: ProcessExit,
): Promise<void> {
  const record = getContainer(engine.state, id);
  if (record === undefined) return;
  const oomKilled = wasOomKilled(engine, record);
  const problems = await releaseContainer(engine, record);
  markExited(engine.state, id, { monitor }, { exitCode: exit.exitCode, oomKilled });
  if (record.config.autoRemove) removeEnded(engine, id);
  if (problems.length > 0) throw new BockerError(problems.join("; "), { kind: "host" });
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

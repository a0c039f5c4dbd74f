/**
 * One health check of one container: a short-lived process of its own, which its monitor starts when it is time, so that
 * the monitor stays small.
 */

import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { listProcesses } from "../cgroup/kill-cgroup.ts";
import { loadEngineSettings } from "../config/engine-settings.ts";
import { BockerError, messageOf } from "../errors.ts";
import { nowMs } from "../host/clock.ts";
import { isProcessAlive, isSameProcess } from "../host/process-identity.ts";
import { renderDuration } from "../image/duration.ts";
import { getContainer } from "../state/container.ts";
import { setHealth } from "../state/container-life.ts";
import { appendContainerEvent } from "../state/event.ts";
import type { ContainerRecord, HealthRecord, HealthResult } from "../state/record.ts";
import { loadContainerImage } from "./container-image.ts";
import { type Engine, openEngine } from "./engine.ts";
import { execInContainer } from "./exec-container.ts";
import { loadContainer } from "./find-container.ts";
import {
  type HealthCheck,
  healthCheckOf,
  nextHealth,
  startingHealth,
  stillStartingCode,
} from "./health-check.ts";
import { killSession } from "./kill-session.ts";
import { restartContainer } from "./restart-container.ts";
import { killContainer, stopContainer } from "./stop-container.ts";
import { takeMonitor } from "./take-monitor.ts";
import { cgroupOf } from "./thaw-container.ts";

const keptOutputBytes = 4096;

/** The process's whole work; its exit code. */
export async function runHealthRole(id: string): Promise<number> {
  return checkHealth(openEngine(await loadEngineSettings({}, process.env)), id);
}

/** Checks, records, and does what --health-on-failure says. A container that is paused or has ended is left alone. */
export async function checkHealth(engine: Engine, id: string): Promise<number> {
  const record = getContainer(engine.state, id);
  if (record?.status !== "running") return 0;
  const check = healthCheckOf(record.config.health, loadContainerImage(engine, record).config);
  if (check === undefined) return 0;
  const result = await runCheck(engine, record, check);
  const health = keepResult(engine, record, check, result);
  if (health?.status === "unhealthy") await act(engine, record);
  return health?.status === "starting" ? stillStartingCode : 0;
}

/** Checks once, by hand, and records it as any check; whether it has passed. Throws for a container that has no check or does not run. */
export async function checkHealthNow(engine: Engine, nameOrId: string): Promise<boolean> {
  const record = await loadContainer(engine, nameOrId);
  const check = healthCheckOf(record.config.health, loadContainerImage(engine, record).config);
  if (check === undefined)
    throw new BockerError(`container ${record.name} has no health check configured`, {
      kind: "invalid-config",
    });
  if (record.status !== "running")
    throw new BockerError(`container ${record.name} is not running (status: ${record.status})`, {
      kind: "not-running",
    });
  const result = await runCheck(engine, record, check);
  const health = keepResult(engine, record, check, result);
  if (health?.status === "unhealthy") await act(engine, record);
  return result.exitCode === 0;
}

async function runCheck(engine: Engine, record: ContainerRecord, check: HealthCheck): Promise<HealthResult> {
  const startMs = nowMs();
  const output: Uint8Array[] = [];
  try {
    const exitCode = await runCommand(engine, record, check, (chunk) => void output.push(chunk));
    const text = outputText(output);
    if (exitCode !== undefined) return { startMs, endMs: nowMs(), exitCode, output: text };
    const time = renderDuration(check.timeoutMs * 1e6);
    const said = text === "" ? "" : `: ${text}`;
    return {
      startMs,
      endMs: nowMs(),
      exitCode: -1,
      output: `Health check exceeded timeout (${time})${said}`,
    };
  } catch (error) {
    return { startMs, endMs: nowMs(), exitCode: -1, output: messageOf(error) };
  }
}

/** Undefined: it took too long, and was killed with all that it had started. */
async function runCommand(
  engine: Engine,
  record: ContainerRecord,
  { args, timeoutMs }: HealthCheck,
  output: (chunk: Uint8Array) => void,
): Promise<number | undefined> {
  const quiet = { tty: false, interactive: false, privileged: false, env: [] };
  const session = await execInContainer(engine, { container: record.id, args, ...quiet });
  let keptBytes = 0;
  const ended = session.run((_stream, chunk) => {
    // One byte more than is shown says that something was cut off.
    if (keptBytes <= keptOutputBytes) output(chunk.slice(0, keptOutputBytes + 1 - keptBytes));
    keptBytes += chunk.byteLength;
  });
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => {
    killSession(session.process, () => pidsOf(engine, record));
    late.resolve(undefined);
  }, timeoutMs);
  try {
    return await Promise.race([ended, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Where there are no cgroups, only the command itself is known. */
function pidsOf(engine: Engine, record: ContainerRecord): readonly number[] {
  return detectCgroups().mode === "none" ? [] : listProcesses(cgroupOf(engine, record));
}

function outputText(chunks: readonly Uint8Array[]): string {
  const bytes = Buffer.concat(chunks);
  const text = bytes.subarray(0, keptOutputBytes).toString("utf8");
  return bytes.byteLength > keptOutputBytes ? `${text}...` : text;
}

/** Undefined: that process is the container's no more. */
function keepResult(
  engine: Engine,
  checked: ContainerRecord,
  check: HealthCheck,
  result: HealthResult,
): HealthRecord | undefined {
  return engine.state.transaction(() => {
    const record = getContainer(engine.state, checked.id);
    const isSame = record?.init && checked.init && isSameProcess(record.init, checked.init);
    // A check that the container's end has killed, which is not recorded yet, says nothing about its health.
    if (!record || !isSame || !isProcessAlive(checked.init)) return undefined;
    const before = record.health ?? startingHealth;
    const health = nextHealth(before, result, check, record.startedAtMs ?? result.startMs);
    setHealth(engine.state, record.id, health);
    if (health.status !== before.status) {
      appendContainerEvent(engine.state, record.id, `health_status: ${health.status}`);
    }
    return health;
  });
}

async function act(engine: Engine, { id, config }: ContainerRecord): Promise<void> {
  switch (config.health?.onFailure) {
    case "kill":
      return killContainer(engine, id, "KILL");
    case "stop":
      await stopContainer(engine, id, {});
      return;
    case "restart":
      await restartContainer(engine, id, {}, () => takeMonitor({}));
      return;
  }
}

/**
 * `restart`: stop and start as one, so that a --rm container is not removed in between.
 */
import type { MonitorHandle } from "../monitor/spawn-monitor.ts";
import { appendContainerEvent } from "../state/event.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { startAgain } from "./run-container.ts";
import { type StopOptions, stopContainer } from "./stop-container.ts";

/** Starts one that is stopped, too. `takeMonitor`: for the new run. Gives stopContainer's warning. */
export async function restartContainer(
  engine: Engine,
  nameOrId: string,
  options: StopOptions,
  takeMonitor: () => MonitorHandle,
): Promise<string | undefined> {
  const { id } = await loadContainer(engine, nameOrId);
  const warning = await stopContainer(engine, id, options, "restart");
  const session = await startAgain(engine, await loadContainer(engine, id), takeMonitor());
  session?.detach();
  appendContainerEvent(engine.state, id, "restart");
  return warning;
}

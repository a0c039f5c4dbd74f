/**
 * `boot` and `boot stop`: every container that is to run, when the machine starts, and all of them when it goes down.
 *
 * Both can be repeated and cut short: they look at what is, and do what is missing. How a system calls them is
 * boot-hook.ts's.
 */
import type { MonitorHandle } from "../monitor/spawn-monitor.ts";
import { getContainer } from "../state/container.ts";
import type { ContainerRecord } from "../state/record.ts";
import { isWantedAtBoot, planBootOrder } from "./boot-plan.ts";
import { isLive } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { loadContainers } from "./find-container.ts";
import { startAgain } from "./run-container.ts";
import { stopContainer } from "./stop-container.ts";

export interface BootOptions {
  /** How many are started at a time. */
  readonly parallel: number;
  takeMonitor(): MonitorHandle;
  /** Told of each container as it is done; `error`: why it does not run. */
  done(record: ContainerRecord, error?: unknown): void;
}

/** What boot would start, in its order. Settles what the last boot left. */
export async function containersToBoot(engine: Engine): Promise<readonly (readonly ContainerRecord[])[]> {
  return planBootOrder((await loadContainers(engine)).filter(isWantedAtBoot));
}

/** Starts what is to run and does not. One that fails is reported and keeps no other from starting. */
export async function bootContainers(engine: Engine, options: BootOptions): Promise<void> {
  for (const wave of await containersToBoot(engine)) {
    await eachOf(wave, options.parallel, (record) => bootOne(engine, record, options));
  }
}

async function bootOne(engine: Engine, record: ContainerRecord, options: BootOptions): Promise<void> {
  try {
    const session = await startAgain(engine, record, options.takeMonitor());
    session?.detach();
    options.done(record);
  } catch (error) {
    const current = getContainer(engine.state, record.id);
    // Another boot, or a user, was faster or is at it, or it was removed meanwhile.
    if (current === undefined || isLive(current) || current.monitor !== undefined) return;
    options.done(record, error);
  }
}

export interface BootStopOptions {
  /** Seconds; absent: each container's own. */
  readonly timeoutSeconds?: number;
  done(record: ContainerRecord, error?: unknown): void;
}

/** Stops everything that runs, all at once; none of it counts as stopped by somebody. */
export async function stopForShutdown(engine: Engine, { done, ...options }: BootStopOptions): Promise<void> {
  const live = (await loadContainers(engine)).filter(isLive);
  await eachOf(live, live.length, async (record) => {
    try {
      await stopContainer(engine, record.id, options, "shutdown");
      done(record);
    } catch (error) {
      if (getContainer(engine.state, record.id) !== undefined) done(record, error);
    }
  });
}

/** Runs `action` for all, `parallel` at a time, begun in their order. */
async function eachOf<Item>(
  items: readonly Item[],
  parallel: number,
  action: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await action(item);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
}

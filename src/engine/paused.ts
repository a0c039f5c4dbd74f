/**
 * Doing something while a running container stands still, and letting it go on however that ends.
 */
import { getContainer } from "../state/container.ts";
import type { ContainerRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";
import { pauseContainer } from "./pause-container.ts";
import { thawContainer } from "./thaw-container.ts";

const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A container that is not running, or paused already, is left as it is. A signal that would end us thaws it first. */
export async function withPaused<T>(
  engine: Engine,
  record: ContainerRecord,
  wanted: boolean,
  work: () => Promise<T>,
): Promise<T> {
  if (!wanted || record.status !== "running") return work();
  await pauseContainer(engine, record.id);
  const end = (signal: NodeJS.Signals) => {
    void letGoOn(engine, record.id).finally(() => {
      for (const name of endings) process.removeListener(name, end);
      process.kill(process.pid, signal);
    });
  };
  for (const name of endings) process.on(name, end);
  try {
    return await work();
  } finally {
    for (const name of endings) process.removeListener(name, end);
    await letGoOn(engine, record.id);
  }
}

/** Nothing where somebody has thawed or removed it meanwhile. */
async function letGoOn(engine: Engine, id: string): Promise<void> {
  const record = getContainer(engine.state, id);
  if (record !== undefined) await thawContainer(engine, record);
}

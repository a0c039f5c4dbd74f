/**
 * Doing something while a running container stands still, and letting it go on however that ends: a signal that would
 * end us thaws it first, and for SIGKILL a shell waits at the other end of a pipe.
 */
import { BockerError } from "../errors.ts";
import { startCommand } from "../host/run-command.ts";
import { selfCommand } from "../host/self-command.ts";
import { getContainer } from "../state/container.ts";
import type { ContainerRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";
import { pauseContainer } from "./pause-container.ts";
import { thawContainer } from "./thaw-container.ts";

const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A container that is not running, or paused already, is left as it is. */
export async function withPaused<T>(
  engine: Engine,
  record: ContainerRecord,
  wanted: boolean,
  work: () => Promise<T>,
): Promise<T> {
  if (!wanted || record.status !== "running") return work();
  using _guard = startGuard(engine, record.id);
  if (!(await pausedByUs(engine, record))) return work();
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

/** False: it has ended since it was looked at, or somebody else has paused it. */
async function pausedByUs(engine: Engine, { id }: ContainerRecord): Promise<boolean> {
  try {
    await pauseContainer(engine, id);
    return true;
  } catch (error) {
    if (error instanceof BockerError && (error.kind === "not-running" || error.kind === "conflict"))
      return false;
    throw error;
  }
}

/** When the pipe from us ends although nobody has called it off, the guard runs `unpause`. */
function startGuard(engine: Engine, id: string): Disposable {
  const script = 'trap "" INT TERM HUP; while read -r _; do :; done; exec "$@"';
  const child = startCommand(["sh", "-c", script, "sh", ...selfCommand("unpause", id)], {
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
    env: { BOCKER_ROOT: engine.paths.root, BOCKER_RUN: engine.paths.run },
  });
  return { [Symbol.dispose]: () => child.kill("SIGKILL") };
}

/** Nothing where somebody has thawed or removed it meanwhile. */
async function letGoOn(engine: Engine, id: string): Promise<void> {
  const record = getContainer(engine.state, id);
  if (record !== undefined) await thawContainer(engine, record);
}

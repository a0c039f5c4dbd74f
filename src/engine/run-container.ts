/**
 * `run`, `create` and `start`: from a request to a session with a started container.
 *
 * The monitor is a process that was started before anything was known (spawnMonitor); it is given the container's id
 * when there is one, and does the starting.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { readProcessIdentity } from "../host/process-identity.ts";
import { isTracing, trace } from "../host/trace.ts";
import type { AttachRequest, Session } from "../monitor/session.ts";
import type { MonitorHandle } from "../monitor/spawn-monitor.ts";
import { getContainer } from "../state/container.ts";
import type { ContainerRecord } from "../state/record.ts";
import { awaitStart } from "./await-start.ts";
import { isLive } from "./container-state.ts";
import { createContainer } from "./create-container.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { type LocalImage, type ResolveImageOptions, resolveImage } from "./resolve-image.ts";

export type { AttachRequest, Session };

/** Resolves the image and makes the container. `monitor`: who will start it, for `run`. */
export async function createFromImage(
  engine: Engine,
  config: ContainerConfig,
  options: ResolveImageOptions & {
    readonly replace?: boolean;
    /** A line for the user about what is not quite as it should be. */
    readonly warn?: (line: string) => void;
  },
  monitor?: MonitorHandle,
): Promise<ContainerRecord> {
  const image = await resolveRoot(engine, config, options);
  trace(() => `found image ${image.name}: ${image.id || "a directory"}`);
  const settled = config.mounts.some(({ type }) => type === "image")
    ? await (await import("./mount-image.ts")).withMountImages(engine, config, options)
    : config;
  if (options.replace === true && config.name !== undefined) await removeHolder(engine, config.name);
  const identity = monitor === undefined ? undefined : readProcessIdentity(monitor.pid);
  const record = await createContainer(engine, settled, image, identity, options.warn);
  trace(() => `created container ${record.id} "${record.name}"`);
  return record;
}

/** The image of a container, or what stands for it with --rootfs. */
export async function resolveRoot(
  engine: Engine,
  config: ContainerConfig,
  options: ResolveImageOptions,
): Promise<LocalImage> {
  if (!config.rootfs) return resolveImage(engine, config, options);
  const { directoryImage } = await import("./directory-image.ts");
  return directoryImage(config.image);
}

/** `--replace`: once the image is there, whoever has the name makes room, running or not. */
async function removeHolder(engine: Engine, name: string): Promise<void> {
  const { removeNamed } = await import("./remove-named.ts");
  try {
    const holder = await loadContainer(engine, `/${name}`);
    await removeNamed(engine, holder.id, { force: true, volumes: false });
  } catch (error) {
    if (!(error instanceof BockerError) || error.kind !== "not-found") throw error;
  }
}

/**
 * Has the monitor start a container that was made by `run`. A container that cannot be started stays, as in docker,
 * unless it was to be removed at its end.
 */
export async function startCreated(
  engine: Engine,
  record: ContainerRecord,
  monitor: MonitorHandle,
  attach?: AttachRequest,
): Promise<Session> {
  try {
    return await startThrough(engine, monitor, record.id, attach);
  } catch (error) {
    const current = record.config.autoRemove ? getContainer(engine.state, record.id) : undefined;
    if (current !== undefined && current.init === undefined) {
      const { removeSettled } = await import("./remove-container.ts");
      await removeSettled(engine, current, { volumes: true });
    }
    throw error;
  }
}

async function startThrough(
  engine: Engine,
  monitor: MonitorHandle,
  id: string,
  attach: AttachRequest | undefined,
): Promise<Session> {
  trace(() => `asked monitor ${monitor.pid} to start it`);
  const session = await monitor.start({ id, ...(attach === undefined ? {} : { attach }) });
  if (isTracing()) {
    const { describeFilter, describeStart } = await import("./describe-start.ts");
    for (const line of [...describeStart(engine, id), ...(await describeFilter(engine, id))]) trace(line);
  }
  return session;
}

/** A container that can be started now, or is live already. Throws docker's refusal for a paused one. */
export async function loadStartable(engine: Engine, nameOrId: string): Promise<ContainerRecord> {
  const record = await loadContainer(engine, nameOrId);
  if (record.status !== "paused") return record;
  throw new BockerError("cannot start a paused container, try unpause instead", { kind: "conflict" });
}

/**
 * Starts a container again; joins the one that runs already, or that another process is starting just now, when streams
 * are wanted.
 */
export async function startAgain(
  engine: Engine,
  record: ContainerRecord,
  monitor: MonitorHandle,
  attach?: AttachRequest,
): Promise<Session | undefined> {
  const current = (await awaitStart(engine, record)) ?? record;
  if (isLive(current)) {
    monitor.dismiss();
    return join(engine, current, attach);
  }
  try {
    return await startThrough(engine, monitor, record.id, attach);
  } catch (error) {
    // Somebody else was quicker to claim it.
    const other = await awaitStart(engine, record);
    if (other === undefined || !isLive(other)) throw error;
    return join(engine, other, attach);
  }
}

async function join(
  engine: Engine,
  record: ContainerRecord,
  attach: AttachRequest | undefined,
): Promise<Session | undefined> {
  if (attach === undefined || record.init === undefined) return undefined;
  const { connectLive } = await import("./attach-container.ts");
  return connectLive(engine, record, attach);
}

/**
 * `attach`: the streams of a container that runs; any number of clients at once.
 */
import { BockerError } from "../errors.ts";
import { monotonicMs } from "../host/clock.ts";
import { connectAttach } from "../monitor/connect-attach.ts";
import type { AttachRequest, Session } from "../monitor/session.ts";
import { appendContainerEvent } from "../state/event.ts";
import type { ContainerRecord } from "../state/record.ts";
import { attachSocketOf } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";

/** A monitor listens within milliseconds after the container's start; a busy machine may take longer. */
const monitorPatienceMs = 5000;
/** How long it is awaited before the record is looked at again. */
const betweenLooksMs = 100;

/** The container to attach to. Throws docker's refusals for one that is stopped, paused or restarting. */
export async function loadAttachable(engine: Engine, nameOrId: string): Promise<ContainerRecord> {
  const record = await loadContainer(engine, nameOrId);
  const refusal = refusalOf(record);
  if (refusal !== undefined) throw new BockerError(refusal, { kind: "conflict" });
  return record;
}

function refusalOf({ status, init }: ContainerRecord): string | undefined {
  if (status === "paused") return "You cannot attach to a paused container, unpause it first";
  if (status === "restarting") return "You cannot attach to a restarting container, wait until it is running";
  return init === undefined ? "You cannot attach to a stopped container, start it first" : undefined;
}

/** Connects to the container's monitor. */
export async function attachTo(
  engine: Engine,
  record: ContainerRecord,
  request: AttachRequest,
): Promise<Session> {
  const session = await connectLive(engine, record, request);
  appendContainerEvent(engine.state, record.id, "attach");
  return session;
}

/** Connects as soon as the monitor listens; as attach's refusals say when the container ends before that. */
export async function connectLive(
  engine: Engine,
  { id }: ContainerRecord,
  request: AttachRequest,
): Promise<Session> {
  for (const deadline = monotonicMs() + monitorPatienceMs; ; ) {
    try {
      return await connectAttach(attachSocketOf(engine.paths, id), request, betweenLooksMs);
    } catch (error) {
      if (!(error instanceof BockerError) || error.kind !== "not-running") throw error;
      await loadAttachable(engine, id);
      if (monotonicMs() >= deadline) throw error;
    }
  }
}

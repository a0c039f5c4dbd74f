/**
 * `attach`: the streams of a container that runs; any number of clients at once.
 */
import { BockerError } from "../errors.ts";
import { connectAttach } from "../monitor/connect-attach.ts";
import type { AttachRequest, Session } from "../monitor/session.ts";
import { appendContainerEvent } from "../state/event.ts";
import type { ContainerRecord } from "../state/record.ts";
import { attachSocketOf } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";

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
  const session = await connectAttach(attachSocketOf(engine.paths, record.id), request);
  appendContainerEvent(engine.state, record.id, "attach");
  return session;
}

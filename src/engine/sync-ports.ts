/**
 * The published ports of a container that runs, after its config or its networks have changed.
 *
 *   rows of new ports ─▶ monitor binds ─▶ firewall, one transaction ─▶ rows of old ports go, config is kept
 *
 * Until the end the rows are everything that may be published, old and new, so that a crash leaves nothing that giving the
 * container's ports back would not find. An error leaves it as it was. Connections that are open go on.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { lockFile } from "../host/lock-file.ts";
import { requestPorts } from "../monitor/request-ports.ts";
import { resolvePorts } from "../network/container-ports.ts";
import { changePorts } from "../network/firewall.ts";
import { heldEndpoints } from "../network/held-endpoints.ts";
import { portFailure } from "../network/plan-ports.ts";
import { declaredRules } from "../network/release-networking.ts";
import { markStale } from "../network/stale-rules.ts";
import { getContainer, noSuchContainer, setContainerConfig } from "../state/container.ts";
import { dropPort, portsOfContainer, reservePorts } from "../state/port.ts";
import type { ContainerRecord, PortRecord } from "../state/record.ts";
import { loadContainerImage } from "./container-image.ts";
import { attachSocketOf } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { withPublishedPorts } from "./exposed-ports.ts";
import { markPortsChange } from "./ports-mark.ts";

/**
 * Publishes what the container's config and networks say now; `change` makes the config first, and is kept when all has
 * worked. For a container that does not run, the config is all there is to change.
 */
export async function syncPorts(
  engine: Engine,
  id: string,
  change: (config: ContainerConfig) => ContainerConfig = (config) => config,
): Promise<void> {
  const { network } = engine.settings;
  using _lock = lockFile(`${network.runFolder}/ports.lock`);
  const record = requireContainer(engine, id);
  const plan = planSync(engine, { ...record, config: change(record.config) });
  using mark = markPortsChange(network, id);
  if (plan.added.length + plan.removed.length > 0 || mark.wasCutShort) await applySync(engine, record, plan);
  engine.state.transaction(() => {
    for (const port of plan.removed) dropPort(engine.state, port);
    reservePorts(engine.state, plan.moved);
    setContainerConfig(engine.state, id, change(requireContainer(engine, id).config));
  });
}

interface SyncPlan {
  /** What the container is to have. */
  readonly wanted: readonly PortRecord[];
  readonly held: readonly PortRecord[];
  readonly added: readonly PortRecord[];
  readonly removed: readonly PortRecord[];
  /** Of the added: the host's side is held already, and leads to another address. */
  readonly moved: readonly PortRecord[];
}

function planSync(engine: Engine, record: ContainerRecord): SyncPlan {
  const { state, settings } = engine;
  const held = portsOfContainer(state, record.id);
  const wanted =
    record.init === undefined
      ? []
      : resolvePorts(state, settings.network, toPublish(engine, record), heldEndpoints(state, record.id));
  const added = wanted.filter((port) => !held.some((other) => isSamePort(port, other)));
  const removed = held.filter((port) => !wanted.some((other) => isSamePort(port, other)));
  const moved = added.filter((port) => removed.some((other) => hostKey(port) === hostKey(other)));
  return { wanted, held, added, removed, moved };
}

function toPublish(engine: Engine, record: ContainerRecord): ContainerRecord {
  if (record.config.publishAll !== true) return record;
  return withPublishedPorts(record, loadContainerImage(engine, record).config);
}

async function applySync(engine: Engine, record: ContainerRecord, plan: SyncPlan): Promise<void> {
  const { state, settings, paths } = engine;
  const { wanted, held, added, removed, moved } = plan;
  const fresh = added.filter((port) => !moved.includes(port));
  const container = { id: record.id, name: record.name };
  const tell = async (ports: readonly PortRecord[]): Promise<void> => {
    if (record.init !== undefined) await requestPorts(attachSocketOf(paths, record.id), { container, ports });
  };
  const afterwards = () => {
    const { networks, ports } = declaredRules(state);
    const others = ports.filter(({ containerId }) => containerId !== record.id);
    return { networks, ports: [...others, ...wanted] };
  };
  takeRows(engine, record, fresh);
  try {
    await tell(wanted);
    changePorts(settings.network, { added, removed }, afterwards);
  } catch (error) {
    await tell(held).catch(() => undefined);
    for (const port of fresh) dropPort(state, port);
    throw error;
  }
}

function takeRows({ state, settings }: Engine, record: ContainerRecord, ports: readonly PortRecord[]): void {
  try {
    if (reservePorts(state, ports) > 0) markStale(settings.network);
  } catch (error) {
    throw portFailure(record, error);
  }
}

function isSamePort(left: PortRecord, right: PortRecord): boolean {
  return (
    hostKey(left) === hostKey(right) &&
    left.containerIp === right.containerIp &&
    left.containerPort === right.containerPort
  );
}

function hostKey({ protocol, hostIp, hostPort }: PortRecord): string {
  return `${protocol} ${hostIp} ${hostPort}`;
}

function requireContainer({ state }: Engine, id: string): ContainerRecord {
  const record = getContainer(state, id);
  if (record === undefined) throw noSuchContainer(id);
  if (record.status === "removing" || record.status === "dead") {
    throw new BockerError('Container is marked for removal and cannot be "update".', { kind: "conflict" });
  }
  return record;
}

/**
 * --network, --pid, --ipc and --userns `container:X`: whose namespaces a container joins, and where they are.
 *
 * The other container is kept by id, so that a rename does not redirect the join. Its namespaces are opened through
 * its first process, whose identity is checked again by whoever opens them.
 */
import type { ContainerConfig, NetworkConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { type NamespacePaths, namespaceModes } from "../spec/namespace-mode.ts";
import { getContainer } from "../state/container.ts";
import type { ContainerRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";

const prefix = "container:";

/** The request with every `container:NAME` made `container:ID`. Throws for a container that is not there. */
export async function checkNamespaceTargets(
  engine: Engine,
  config: ContainerConfig,
): Promise<ContainerConfig> {
  namespaceModes(config);
  if (config.name !== undefined && config.networks.some(({ name }) => name === prefix + config.name))
    throw new BockerError("cannot join own network namespace", { kind: "invalid-config" });
  const networks = await Promise.all(config.networks.map((network) => byId(engine, network)));
  return {
    ...config,
    networks,
    ...(config.pidMode === undefined ? {} : { pidMode: await idOf(engine, config.pidMode) }),
    ...(config.ipcMode === undefined ? {} : { ipcMode: await idOf(engine, config.ipcMode) }),
  };
}

/** Where the joined namespaces are now. Throws when the container that has them does not run. */
export async function joinedNamespaces(engine: Engine, config: ContainerConfig): Promise<NamespacePaths> {
  const modes = namespaceModes(config);
  const paths: Record<string, string> = {};
  for (const [type, file] of [
    ["network", "net"],
    ["pid", "pid"],
    ["ipc", "ipc"],
    ["user", "user"],
  ] as const) {
    const mode = modes[type];
    if (mode.kind !== "container") continue;
    const { record, pid } = await running(engine, mode.container, type);
    if (type === "ipc") checkShareable(record);
    paths[type] = `/proc/${pid}/ns/${file}`;
  }
  return paths;
}

/** The container that `--network container:X` names; undefined for every other network, or when it is gone. */
export function networkOwner({ state }: Engine, config: ContainerConfig): ContainerRecord | undefined {
  const { network } = namespaceModes(config);
  return network.kind === "container" ? getContainer(state, network.container) : undefined;
}

async function byId(engine: Engine, network: NetworkConfig): Promise<NetworkConfig> {
  return { ...network, name: await idOf(engine, network.name) };
}

async function idOf(engine: Engine, mode: string): Promise<string> {
  if (!mode.startsWith(prefix)) return mode;
  return prefix + (await loadContainer(engine, mode.slice(prefix.length))).id;
}

interface Running {
  readonly record: ContainerRecord;
  readonly pid: number;
}

async function running(engine: Engine, id: string, type: string): Promise<Running> {
  const record = await loadContainer(engine, id);
  if (record.init !== undefined) return { record, pid: record.init.pid };
  throw new BockerError(`cannot join ${type} namespace of a non running container: ${record.name}`, {
    kind: "not-running",
    hint: `bocker start ${record.name}`,
  });
}

/** docker's rule: a container lends its IPC namespace only when it was made to; unasked it keeps it to itself. */
function checkShareable({ id, config }: ContainerRecord): void {
  if (!["", "private", "none"].includes(config.ipcMode ?? "")) return;
  throw new BockerError(
    `container ${id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    {
      kind: "invalid-config",
    },
  );
}

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
    if (mode.kind === "container")
      paths[type] = `/proc/${await runningPid(engine, mode.container)}/ns/${file}`;
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

async function runningPid(engine: Engine, id: string): Promise<number> {
  const record = await loadContainer(engine, id);
  if (record.init !== undefined) return record.init.pid;
  throw new BockerError(`cannot join network namespace of a non running container: ${record.name}`, {
    kind: "not-running",
    hint: `bocker start ${record.name}`,
  });
}

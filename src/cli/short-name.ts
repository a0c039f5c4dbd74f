/**
 * `run -n X`: the container's name for two engines, its network for a third, and nothing for docker.
 */
import type { Engine } from "../engine/engine.ts";
import { BockerError } from "../errors.ts";

/** Throws where the name that -n gave is a network's: then most likely that was meant. */
export async function refuseNetworkName(engine: Engine, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const { loadNetworks } = await import("../engine/network-view.ts");
  if (!loadNetworks(engine).some((network) => network.name === name)) return;
  throw new BockerError(`cannot tell what -n ${name} means: a network has that name`, {
    kind: "usage",
    hint: `--network ${name} connects to it, --name ${name} gives the container the name`,
  });
}

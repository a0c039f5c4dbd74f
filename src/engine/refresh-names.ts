/**
 * A running container's names after its networks have changed: its resolver, where it has got its first network with
 * names, and then the files that lead there.
 */
import { requestNames } from "../monitor/request-names.ts";
import { networkModeOf } from "../network/networking.ts";
import { getContainer } from "../state/container.ts";
import { leasesOfContainer } from "../state/lease.ts";
import { getNetwork } from "../state/network.ts";
import { updateContainerFiles } from "./container-files.ts";
import { hostnameOf } from "./container-hostname.ts";
import { hasNames, nameOrderOf } from "./container-names.ts";
import { attachSocketOf, containerFolder } from "./container-paths.ts";
import type { Engine } from "./engine.ts";

/** Does nothing for a container that does not run: its files are written when it starts. */
export async function refreshNames(engine: Engine, id: string): Promise<void> {
  const record = getContainer(engine.state, id);
  if (record?.init === undefined) return;
  const leases = leasesOfContainer(engine.state, id);
  const networks = leases.flatMap(({ networkId }) => getNetwork(engine.state, networkId) ?? []);
  // One that serves already is not disturbed.
  if (hasNames(networks)) {
    const request = { order: nameOrderOf(engine, record), pid: record.init.pid };
    await requestNames(attachSocketOf(engine.paths, id), request);
  }
  const places = { mode: networkModeOf(record.config.networks), leases, networks };
  const folder = containerFolder(engine.paths, id);
  updateContainerFiles(folder, record.config, hostnameOf(engine, record), places);
}

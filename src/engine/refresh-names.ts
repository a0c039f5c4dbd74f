/**
 * A running container's names after its networks, or who it is linked to, have changed: its resolver, where it has got its first network with
 * names, and then the files that lead there.
 */
import { isProcessAlive, type ProcessIdentity } from "../host/process-identity.ts";
import { requestNames } from "../monitor/request-names.ts";
import { networkModeOf } from "../network/networking.ts";
import { getContainer } from "../state/container.ts";
import { leasesOfContainer } from "../state/lease.ts";
import { getNetwork } from "../state/network.ts";
import type { ContainerRecord } from "../state/record.ts";
import { type NetworkPlaces, updateContainerFiles, updateHostsFile } from "./container-files.ts";
import { hostnameOf } from "./container-hostname.ts";
import { linkedHostsNow } from "./container-links.ts";
import { hasNames, nameOrderOf } from "./container-names.ts";
import { attachSocketOf, containerFolder } from "./container-paths.ts";
import type { Engine } from "./engine.ts";

/** Does nothing for a container that does not run: its files are written when it starts. */
export async function refreshNames(engine: Engine, id: string): Promise<void> {
  const record = getContainer(engine.state, id);
  if (record?.init === undefined) return;
  const places = placesOf(engine, record);
  if (hasNames(places.networks) && !(await startServing(engine, record, record.init))) return;
  const folder = containerFolder(engine.paths, id);
  const links = linkedHostsNow(engine, record);
  const hostname = hostnameOf(engine, record);
  whileRunning(record.init, () => updateContainerFiles(folder, record.config, hostname, places, links));
}

/** With the container's end its files go too, and nobody needs what was to be written. */
function whileRunning(init: ProcessIdentity, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (isProcessAlive(init)) throw error;
  }
}

/** Who it is linked to, in its hosts file: asks nobody, so that nobody can hold it up. */
export function refreshLinks(engine: Engine, id: string): void {
  const record = getContainer(engine.state, id);
  if (record?.init === undefined) return;
  const folder = containerFolder(engine.paths, id);
  const links = linkedHostsNow(engine, record);
  updateHostsFile(folder, record.config, hostnameOf(engine, record), placesOf(engine, record), links);
}

function placesOf({ state }: Engine, { id, config }: ContainerRecord): NetworkPlaces {
  const leases = leasesOfContainer(state, id);
  const networks = leases.flatMap(({ networkId }) => getNetwork(state, networkId) ?? []);
  return { mode: networkModeOf(config.networks), leases, networks };
}

/** A monitor that serves already is not disturbed. False: the container has ended meanwhile. */
async function startServing(
  engine: Engine,
  record: ContainerRecord,
  init: ProcessIdentity,
): Promise<boolean> {
  const request = { order: nameOrderOf(engine, record), pid: init.pid };
  try {
    await requestNames(attachSocketOf(engine.paths, record.id), request);
    return true;
  } catch (error) {
    if (isProcessAlive(init)) throw error;
    return false;
  }
}

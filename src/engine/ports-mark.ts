/**
 * A file that stands while the ports of a container that runs are changed, and names the container. Only a killed process
 * leaves it behind: rows alone do not say any more then what firewall and monitor know, and both the old ports and the new
 * are published. To be made under the lock of ports.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { markStale } from "../network/stale-rules.ts";
import type { Engine } from "./engine.ts";

type NetworkSettings = Engine["settings"]["network"];

interface PortsMark extends Disposable {
  /** Somebody was killed in the middle. */
  readonly wasCutShort: boolean;
}

/** Stands until disposed. Rules that a killed change left are declared anew with this one. */
export function markPortsChange(network: NetworkSettings, containerId: string): PortsMark {
  const path = pathOf(network);
  const wasCutShort = existsSync(path);
  if (wasCutShort) markStale(network);
  writeFileSync(path, containerId);
  return { wasCutShort, [Symbol.dispose]: () => rmSync(path, { force: true }) };
}

/** Whether the ports of this container are being changed, or were when somebody was killed. */
export function isPortsChangeOpen(network: NetworkSettings, containerId: string): boolean {
  try {
    return readFileSync(pathOf(network), "utf8") === containerId;
  } catch {
    return false;
  }
}

function pathOf({ runFolder }: NetworkSettings): string {
  return `${runFolder}/ports-changing`;
}

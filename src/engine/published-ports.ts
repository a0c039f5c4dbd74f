/**
 * `port`: where a container's published ports are on the host.
 */
import { BockerError } from "../errors.ts";
import { portsOfContainer } from "../state/port.ts";
import type { PortRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { isPortsChangeOpen } from "./ports-mark.ts";

/** All of them; those of one `PORT[/PROTOCOL]` when it is given. Throws docker's `No public port …`. */
export async function loadPublishedPorts(
  engine: Engine,
  nameOrId: string,
  wanted?: string,
): Promise<readonly PortRecord[]> {
  const key = wanted === undefined ? undefined : portKey(wanted);
  const record = await loadContainer(engine, nameOrId);
  if (isPortsChangeOpen(engine.settings.network, record.id)) await finishChange(engine, record.id);
  const ports = portsOfContainer(engine.state, record.id);
  if (key === undefined) return ports;
  const matching = ports.filter((port) => `${port.containerPort}/${port.protocol}` === key);
  if (matching.length > 0) return matching;
  throw new BockerError(`No public port '${wanted}' published for ${nameOrId}`, { kind: "not-found" });
}

/** After another's change, or one that somebody was killed in: the ports are what the config says again. */
async function finishChange(engine: Engine, id: string): Promise<void> {
  const { syncPorts } = await import("./sync-ports.ts");
  // What cannot be finished now is shown as it is.
  await syncPorts(engine, id).catch(() => undefined);
}

function portKey(text: string): string {
  const slash = text.indexOf("/");
  const port = slash < 0 ? text : text.slice(0, slash);
  const protocol = slash < 0 ? "tcp" : text.slice(slash + 1).toLowerCase();
  if (/^\d{1,5}$/.test(port) && Number(port) <= 65_535 && protocol !== "")
    return `${Number(port)}/${protocol}`;
  throw new BockerError(`invalid port '${text}'`, {
    kind: "invalid-config",
    hint: "a number, as in 80 or 53/udp",
  });
}

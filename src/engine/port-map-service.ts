/**
 * `portmap start`: serves the mappings made by hand, and every published port that nobody serves, until it is stopped.
 *
 * Containers' ports are served by their monitors as long as those live; what is found unserved twice in a row is taken
 * over here. The mappings are read again every second, and at once on SIGUSR1.
 */
import { rmSync } from "node:fs";
import { bindSocket } from "../../ffi/bound-socket.ts";
import { ipVersion } from "../config/ip-version.ts";
import { BockerError, messageOf } from "../errors.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import { tryLockFile } from "../host/lock-file.ts";
import { readProcessIdentity } from "../host/process-identity.ts";
import type { Forwarder, ForwardTarget } from "../network/forwarder.ts";
import { loadUsedPorts } from "../network/host-network.ts";
import { forward } from "../network/port-forwarders.ts";
import { renderHostSide } from "../network/port-text.ts";
import { findContainer, getContainer } from "../state/container.ts";
import { leasesOfContainer } from "../state/lease.ts";
import { listPorts } from "../state/port.ts";
import { listMappings } from "../state/port-map.ts";
import type { PortRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";
import { findPortMapService, serviceFile } from "./port-map.ts";

const lookMs = 1000;

/** A host port, and what takes turns behind it. */
interface Wanted {
  readonly protocol: "tcp" | "udp";
  readonly hostIp: string;
  readonly hostPort: number;
  /** Addresses, or containers' names; with their ports. */
  readonly targets: readonly ForwardTarget[];
  /** A container's: its monitor may be about to serve it. */
  readonly isPublished: boolean;
}

/** Serves until `stop` is aborted. `say` gets a line for whatever changes. Throws when somebody serves already. */
export async function servePortMap(
  engine: Engine,
  stop: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const { runFolder } = engine.settings.network;
  using lock = tryLockFile(`${runFolder}/portmap.lock`);
  if (lock === undefined) {
    const pid = findPortMapService(engine)?.pid;
    throw new BockerError(`portmap is already running${pid === undefined ? "" : ` as process ${pid}`}`, {
      kind: "conflict",
    });
  }
  using service = new PortMapService(engine, say);
  const announce = (): void =>
    writeFileAtomic(serviceFile(runFolder), JSON.stringify(readProcessIdentity(process.pid)));
  try {
    await lookUntil(stop, announce, () => service.look());
  } finally {
    rmSync(serviceFile(runFolder), { force: true });
  }
}

/** One look after the other: now, at every nudge, every second. `announce` is called once nudges are listened to. */
async function lookUntil(stop: AbortSignal, announce: () => void, look: () => Promise<void>): Promise<void> {
  let wake: () => void = () => undefined;
  const nudge = (): void => wake();
  process.on("SIGUSR1", nudge);
  stop.addEventListener("abort", nudge);
  try {
    // Not before: a nudge that nobody listens to would end this process.
    announce();
    while (!stop.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      // Listening comes before looking, so that no nudge falls in between.
      wake = resolve;
      const timer = setTimeout(resolve, lookMs);
      await look();
      if (!stop.aborted) await promise;
      clearTimeout(timer);
    }
  } finally {
    process.off("SIGUSR1", nudge);
  }
}

interface Served {
  wanted: Wanted;
  turn: number;
  readonly forwarder: Forwarder;
}

class PortMapService implements Disposable {
  readonly #engine: Engine;
  readonly #say: (line: string) => void;
  readonly #served = new Map<string, Served>();
  /** What was said last of those that are not served here. */
  readonly #notes = new Map<string, string>();
  /** Published ports that nobody served at the last look. */
  #unserved: ReadonlySet<string> = new Set();

  constructor(engine: Engine, say: (line: string) => void) {
    this.#engine = engine;
    this.#say = say;
  }

  /** Opens what is missing and closes what is gone. */
  async look(): Promise<void> {
    const wanted = loadWanted(this.#engine);
    for (const [key, { forwarder }] of this.#served) {
      if (wanted.has(key)) continue;
      forwarder[Symbol.dispose]();
      this.#served.delete(key);
      this.#say(`${key} closed`);
    }
    for (const key of this.#notes.keys()) if (!wanted.has(key)) this.#notes.delete(key);
    const unserved = new Set<string>();
    for (const [key, each] of wanted) {
      const served = this.#served.get(key);
      if (served !== undefined) served.wanted = each;
      else await this.#open(key, each, unserved);
    }
    this.#unserved = unserved;
  }

  async #open(key: string, wanted: Wanted, unserved: Set<string>): Promise<void> {
    if (wanted.isPublished) {
      if (loadUsedPorts(wanted.protocol).has(wanted.hostPort))
        return this.#note(key, "served by its container's monitor");
      unserved.add(key);
      if (!this.#unserved.has(key)) return;
    }
    try {
      const fd = bindSocket(wanted.protocol, wanted.hostIp, wanted.hostPort);
      const forwarder = await forward(wanted, fd, () => this.#target(served));
      const served: Served = { wanted, turn: 0, forwarder };
      this.#served.set(key, served);
      this.#notes.delete(key);
      this.#say(`${key} -> ${wanted.targets.map(({ address, port }) => `${address}:${port}`).join(", ")}`);
    } catch (error) {
      this.#note(key, `cannot be served: ${messageOf(error)}`);
    }
  }

  /** Says it once. */
  #note(key: string, text: string): void {
    if (this.#notes.get(key) !== text) this.#say(`${key} ${text}`);
    this.#notes.set(key, text);
  }

  /** The next one's turn. A container that is not there any more has the address that nobody answers at. */
  #target(served: Served): ForwardTarget {
    const { targets } = served.wanted;
    const target = targets[served.turn++ % targets.length] ?? nowhere;
    if (ipVersion(target.address) !== 0) return target;
    return { address: addressOf(this.#engine, target.address) ?? nowhere.address, port: target.port };
  }

  [Symbol.dispose](): void {
    for (const { forwarder } of this.#served.values()) forwarder[Symbol.dispose]();
    this.#served.clear();
  }
}

/** Nobody listens on port 0 of anything: connecting fails at once. */
const nowhere: ForwardTarget = { address: "127.0.0.1", port: 0 };

function loadWanted({ state }: Engine): ReadonlyMap<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const port of listPorts(state)) {
    if (port.protocol === "sctp" || getContainer(state, port.containerId)?.init === undefined) continue;
    wanted.set(keyOf(port), {
      protocol: port.protocol,
      hostIp: port.hostIp,
      hostPort: port.hostPort,
      targets: [{ address: port.containerIp, port: port.containerPort }],
      isPublished: true,
    });
  }
  for (const { target, targetPort, ...host } of listMappings(state)) {
    const known = wanted.get(keyOf(host));
    if (known?.isPublished === true) continue;
    const targets = [...(known?.targets ?? []), { address: target, port: targetPort }];
    wanted.set(keyOf(host), { ...host, targets, isPublished: false });
  }
  return wanted;
}

function keyOf(port: Pick<PortRecord, "hostIp" | "hostPort" | "protocol">): string {
  return `${renderHostSide(port)}/${port.protocol}`;
}

/** A container's address now; undefined: it does not run, or has none. */
function addressOf({ state }: Engine, name: string): string | undefined {
  try {
    return leasesOfContainer(state, findContainer(state, name).id)[0]?.address;
  } catch {
    return undefined;
  }
}

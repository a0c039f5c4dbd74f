/**
 * Containers without a program, for tests of networks: a namespace that is reserved for, connected, and set up inside as
 * init would do it, on the "host" of a NetworkLab with a private state.
 */
import { join } from "node:path";
import type { ContainerConfig, PortConfig } from "../../src/config/container-config.ts";
import { runCommand } from "../../src/host/run-command.ts";
import { openPorts } from "../../src/network/container-ports.ts";
import {
  defaultNetworkOptions,
  type FirewallName,
  type NetworkOptions,
} from "../../src/network/network-options.ts";
import { applyNetworking, type NetworkReservation, reserveNetworking } from "../../src/network/networking.ts";
import { markStarting } from "../../src/state/container-life.ts";
import { insertNetwork } from "../../src/state/network.ts";
import type { ContainerRecord, NetworkRecord } from "../../src/state/record.ts";
import { openState, type State } from "../../src/state/state.ts";
import { addContainer, aNetwork, liveProcess } from "../unit/state/state-fixture.ts";
import { type NetworkLab, networkLab, run, runIn } from "./network-lab.ts";

export interface Guest {
  readonly record: ContainerRecord;
  readonly pid: number;
  readonly address: string;
  readonly address6: string;
  readonly reservation: NetworkReservation;
}

export class GuestWorld implements AsyncDisposable {
  readonly lab: NetworkLab;
  readonly state: State;
  options: NetworkOptions;
  readonly #held: Disposable[] = [];

  private constructor(lab: NetworkLab, changes: Partial<NetworkOptions>) {
    this.lab = lab;
    this.state = openState({ database: join(lab.folder, "state.db") });
    this.options = { ...defaultNetworkOptions(lab.folder), bridge: "bktest0", table: "bktest", ...changes };
  }

  static async open(firewall: FirewallName, changes: Partial<NetworkOptions> = {}): Promise<GuestWorld> {
    return new GuestWorld(await networkLab(), { ...changes, firewall });
  }

  /** Goes on with another configuration. */
  use(changes: Partial<NetworkOptions>): void {
    this.options = { ...this.options, ...changes };
  }

  /** A user network. */
  network(changes: Partial<NetworkRecord>): NetworkRecord {
    const network = aNetwork(changes);
    insertNetwork(this.state, network);
    return network;
  }

  async start(config: Partial<ContainerConfig> = {}): Promise<Guest> {
    const { config: base } = addContainer(this.state);
    const record = addContainer(this.state, { config: { ...base, ...config } });
    if (!markStarting(this.state, record.id, liveProcess())) throw new Error("not claimed");
    const reserved = reserveNetworking(this.state, this.options, record);
    const { forwarders, ports } = await openPorts(this.state, this.options, record, reserved);
    this.#held.push(forwarders);
    const reservation = { ...reserved, ports };
    const pid = await this.lab.newNamespace();
    applyNetworking(this.state, this.options, reservation, pid);
    setUpInside(pid, reservation);
    const [lease] = reservation.leases;
    return { record, pid, address: lease?.address ?? "", address6: lease?.address6 ?? "", reservation };
  }

  /** Ends what serves ports, as the end of all monitors does. */
  stopForwarders(): void {
    for (const disposable of this.#held.splice(0)) disposable[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopForwarders();
    this.state.close();
    await this.lab[Symbol.asyncDispose]();
  }
}

function setUpInside(pid: number, { interfaces }: NetworkReservation): void {
  for (const { name, address, address6, gateway, gateway6 } of interfaces) {
    const lines = [
      "link set lo up",
      `addr add ${address} dev ${name}`,
      ...(address6 === undefined ? [] : [`addr add ${address6} dev ${name} nodad`]),
      `link set ${name} up`,
      ...(gateway === undefined ? [] : [`route add default via ${gateway}`]),
      ...(gateway6 === undefined ? [] : [`route add default via ${gateway6}`]),
    ];
    runCommand(["nsenter", "-t", String(pid), "-n", "ip", "-batch", "-"], { stdin: lines.join("\n") });
  }
}

/** One published port. */
export function port(hostPort: number, changes: Partial<PortConfig> = {}): PortConfig {
  return { hostPort, containerPort: 80, protocol: "tcp", ...changes };
}

/** A server on port 80 that tells each client its name and the address it came from. */
export function serveEcho(
  lab: NetworkLab,
  pid: number | undefined,
  tag: string,
  listen = "TCP6-LISTEN:80,ipv6only=0",
): void {
  lab.serve(pid, "socat", `${listen},fork,reuseaddr`, `SYSTEM:echo ${tag} $SOCAT_PEERADDR`);
}

/** A client's words: connects, and prints what it hears. */
export function ask(address: string, hostPort: number): string[] {
  const host = address.includes(":") ? `[${address}]` : address;
  return ["socat", "-T3", "-", `TCP:${host}:${hostPort},connect-timeout=1`];
}

/** What a client hears, asked again until the server is up; "" if it never answers. Mapped addresses are IPv4's. */
export async function hear(attempt: () => Promise<string>, tries = 50): Promise<string> {
  for (let count = 0; count < tries; count++) {
    const answer = await attempt();
    // A forwarder takes the connection even before the server is there, and drops it.
    if (answer !== "" && !answer.includes("socat[")) return plain(answer);
    await Bun.sleep(20);
  }
  return "";
}

/** socat writes addresses in brackets, with all of their zeros, and those of IPv4 mapped. */
function plain(answer: string): string {
  return answer.replace(/\[(.*)\]/, (_all, address: string) => {
    const mapped = /^0000:0000:0000:0000:0000:ffff:(..)(..):(..)(..)$/.exec(address);
    if (mapped !== null)
      return mapped
        .slice(1)
        .map((hex) => Number.parseInt(hex, 16))
        .join(".");
    return new URL(`http://[${address}]`).hostname.slice(1, -1);
  });
}

/** From the host itself. */
export function fromHost(address: string, hostPort: number): Promise<string> {
  return run(...ask(address, hostPort));
}

/** From a container, or the machine of that namespace. */
export function from(pid: number, address: string, hostPort: number): Promise<string> {
  return runIn(pid, ...ask(address, hostPort));
}

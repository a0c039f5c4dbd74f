/**
 * What a monitor has to know to serve a container's names: plain data, which it passes on to itself when it rests.
 */

/** docker's address of the embedded resolver; every network namespace has it on its loopback. */
export const resolverAddress = "127.0.0.11";
export const dnsPort = 53;

/** What a container may call the host it runs on: its network's gateway. */
export const hostNames = ["host.docker.internal", "host.bocker.internal"] as const;

export interface NameOrder {
  readonly containerId: string;
  /** The state database. */
  readonly database: string;
  /** The container's `--dns`; empty: the host's servers. */
  readonly dns: readonly string[];
}

/** Descriptors by what they are for; see name-sockets.ts. */
export interface NameSockets {
  readonly datagram: number;
  readonly stream: number;
  readonly raw: number;
  /** Keeps the steering alive; absent where the sockets have port 53 themselves. */
  readonly steering?: number;
}

/** An order with its sockets, which are the monitor's. */
export interface NameService extends NameOrder {
  readonly sockets: NameSockets;
}

/** All of them: to be closed, or to be passed on. */
export function nameSocketFds({ datagram, stream, raw, steering }: NameSockets): readonly number[] {
  return steering === undefined ? [datagram, stream, raw] : [datagram, stream, raw, steering];
}

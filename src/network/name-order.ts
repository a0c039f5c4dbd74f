/**
 * What a monitor has to know to serve a container's names: plain data, which it passes on to itself when it rests.
 */

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

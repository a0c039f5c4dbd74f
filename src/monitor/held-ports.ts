/**
 * The published ports of one run, in its monitor: what serves them is loaded with the first of them.
 */
import type { PortForwarders, PortSocket } from "../network/port-forwarders.ts";
import type { PortRecord } from "../state/record.ts";

/** What `update`, `network connect` and `disconnect` send: every port to serve from now on. */
export interface PortsOrder {
  readonly container: { readonly id: string; readonly name: string };
  readonly ports: readonly PortRecord[];
}

export class HeldPorts implements Disposable {
  #forwarders: PortForwarders | undefined;
  /** One change after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(forwarders: PortForwarders | undefined) {
    this.#forwarders = forwarders;
  }

  /** With sockets that a monitor before its rest had; they are its own from then on. */
  static async resume(sockets: readonly PortSocket[]): Promise<HeldPorts> {
    if (sockets.length === 0) return new HeldPorts(undefined);
    const { PortForwarders } = await import("../network/port-forwarders.ts");
    return new HeldPorts(await PortForwarders.adopt(sockets));
  }

  /** The sockets, to go on with in another process image; undefined while one is in use. */
  get resting(): readonly PortSocket[] | undefined {
    return this.#forwarders === undefined ? [] : this.#forwarders.resting;
  }

  /** Serves exactly these from now on; rejects with docker's error when one is taken, and nothing has changed then. */
  replace({ container, ports }: PortsOrder): Promise<void> {
    const change = this.#last.then(async () => {
      if (this.#forwarders === undefined) {
        const { PortForwarders } = await import("../network/port-forwarders.ts");
        this.#forwarders = new PortForwarders();
      }
      await this.#forwarders.replace(container, ports);
    });
    this.#last = change.catch(() => undefined);
    return change;
  }

  [Symbol.dispose](): void {
    this.#forwarders?.[Symbol.dispose]();
    this.#forwarders = undefined;
  }
}

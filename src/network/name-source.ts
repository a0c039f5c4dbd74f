/**
 * The name table of one container, as the state says it is at this moment. Asked for every query, and read again only
 * when the database has changed since.
 */
import { readLink } from "../config/network-spec.ts";
import { getContainer } from "../state/container.ts";
import { listNeighbours, type NeighbourRecord } from "../state/neighbour.ts";
import type { State } from "../state/state.ts";
import { buildNameTable, type NamedLink, type NameTable } from "./name-table.ts";

/** docker's default network, which knows no names. */
const namelessNetwork = "bridge";

export class NameSource {
  readonly #state: State;
  readonly #containerId: string;
  #stamp = "";
  #table: NameTable = buildNameTable([]);

  constructor(state: State, containerId: string) {
    this.#state = state;
    this.#containerId = containerId;
  }

  /** Throws what SQLite throws. */
  current(): NameTable {
    const stamp = this.#state.changeStamp();
    if (stamp === this.#stamp) return this.#table;
    const places = listNeighbours(this.#state, this.#containerId, namelessNetwork);
    this.#table = buildNameTable(
      places.map((place) => ({ ...place, isDefault: place.network === namelessNetwork })),
      this.#links(places),
    );
    this.#stamp = stamp;
    return this.#table;
  }

  #links(places: readonly NeighbourRecord[]): readonly NamedLink[] {
    const requests = getContainer(this.#state, this.#containerId)?.config.networks ?? [];
    return requests.flatMap(({ name, links = [] }) => {
      const place = places.find(({ network, networkId }) => network === name || networkId.startsWith(name));
      if (place === undefined) return [];
      return links.map(readLink).map(({ container, alias }) => ({
        network: place.network,
        target: container,
        alias,
      }));
    });
  }
}

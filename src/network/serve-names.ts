/**
 * A container's resolver put together: the state it reads, the servers outside, its sockets. Loaded by a monitor at the
 * first query, so that one whose container asks for nothing stays small.
 */
import { existsSync } from "node:fs";
import { BockerError } from "../errors.ts";
import { openState, type State } from "../state/state.ts";
import { DnsForwarder } from "./dns-forwarder.ts";
import type { NameService } from "./name-order.ts";
import { NameServer } from "./name-server.ts";
import { NameSource } from "./name-source.ts";
import { upstreamServers } from "./upstream.ts";

/** Serves until disposed; the sockets stay the caller's. */
export function serveNames({ containerId, database, dns, sockets }: NameService): NameServer {
  let state: State | undefined;
  let source: NameSource | undefined;
  return new NameServer({
    sockets,
    names: () => {
      state ??= openExisting(database);
      source ??= new NameSource(state, containerId);
      return source.current();
    },
    forwarder: new DnsForwarder(upstreamServers(dns)),
    closed: () => state?.close(),
  });
}

/** A database that somebody took away is not made again by asking for a name. */
function openExisting(database: string): State {
  if (existsSync(database)) return openState({ database });
  throw new BockerError(`cannot open "${database}": it is gone`, { kind: "not-found" });
}

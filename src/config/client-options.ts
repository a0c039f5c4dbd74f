/**
 * What `bocker run` does on the user's side of a container, beyond what the container is. Types only; read from
 * option/client.ts, and not kept with the container.
 */

export type StandardStream = "stdin" | "stdout" | "stderr";

export interface ClientOptions {
  readonly detach: boolean;
  /** Absolute; must not exist yet. */
  readonly cidfile?: string;
  readonly sigProxy: boolean;
  /** docker's notation, `ctrl-p,ctrl-q`; parseDetachKeys has read it. */
  readonly detachKeys?: string;
  /** Streams to attach; empty: what -i and -d leave. */
  readonly attach: readonly StandardStream[];
  readonly quiet: boolean;
  /** The name was given by -n, which another engine means as the network. */
  readonly shortName?: string;
  /** Removes the container that has the name. */
  readonly replace: boolean;
  readonly dryRun: boolean;
  /** What was asked for and no kernel has any more. */
  readonly discards: readonly string[];
}

/**
 * What opening a context, and ADD, may use of the world: handed in by the engine, which knows networks and terminals.
 */
import type { BuildScratch } from "./build-scratch.ts";

/** An answer of a server, status 200. */
export interface FetchedUrl {
  readonly body: AsyncIterable<Uint8Array>;
  /** Of Content-Disposition; undefined: it names none. */
  readonly fileName: string | undefined;
  /** Of Last-Modified, seconds since the epoch. */
  readonly modifiedSeconds: number | undefined;
}

/** What opening a context may use of the world. */
export interface ContextDoor {
  readonly scratch: BuildScratch;
  /** Throws where the answer is none, or no success. */
  readonly fetchUrl: (url: string) => Promise<FetchedUrl>;
  /** Standard input, to be read once. */
  readonly openStdin: () => AsyncIterable<Uint8Array>;
  /** Socket of the user's ssh agent, for git. */
  readonly sshSocket: string | undefined;
}

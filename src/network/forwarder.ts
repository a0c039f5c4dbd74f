/**
 * What forwards one published port in userland. Types only.
 */

export interface ForwardTarget {
  readonly address: string;
  readonly port: number;
}

export interface Forwarder extends Disposable {
  /** The socket that it serves. */
  readonly fd: number;
  /** Nothing is under way: the socket can go on in another process image, and nobody notices. */
  readonly isIdle: boolean;
  /** Sends clients that are known already to the target of now; absent where they hold a connection. */
  forgetClients?(): void;
}

/**
 * Operations on interfaces, routes and the terminal: the ioctls of a plan.
 *
 * Types only, one a call, each with the argument why it is safe. The union of all is in plan.ts.
 */
import type { Common, Fd, InterfaceFlag, Keeps } from "./operation.ts";

/** A socket for the interface ioctls, in the child's network namespace. */
export interface Socket extends Keeps {
  readonly call: "socket";
  readonly family: "AF_INET" | "AF_INET6";
}

/** Interfaces and routes of the child's own network namespace (netdevice(7)). */
export type NetworkIoctl = Common & { readonly call: "ioctl"; readonly fd: Fd } & (
    | {
        readonly request: "SIOCSIFFLAGS";
        readonly interface: string;
        readonly flags: readonly InterfaceFlag[];
      }
    | {
        readonly request: "SIOCSIFADDR" | "SIOCSIFNETMASK";
        readonly interface: string;
        readonly address: string;
      }
    | { readonly request: "SIOCSIFMTU"; readonly interface: string; readonly mtu: number }
    | { readonly request: "SIOCSIFHWADDR"; readonly interface: string; readonly mac: string }
    | { readonly request: "SIOCADDRT"; readonly gateway: string }
    | {
        readonly request: "SIOCSIFADDR6";
        readonly interface: string;
        readonly address: string;
        readonly prefix: number;
      }
    | { readonly request: "SIOCADDRT6"; readonly interface: string; readonly gateway: string }
  );

/** Makes standard input, the slave of a pty made for this process, the session's terminal. */
export interface TtyIoctl extends Common {
  readonly call: "ioctl";
  readonly fd: Fd;
  readonly request: "TIOCSCTTY";
}

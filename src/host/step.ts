/**
 * Host effects planned as data: what the engine will do outside the container's own process.
 *
 * Domains (cgroup, network, storage) plan lists of HostStep purely; apply-steps.ts carries them out in order and,
 * when one fails, undoes the done ones in reverse. `--dry-run` prints the same lists. Syscalls that the
 * container's own init makes are not here: see src/launch/plan.ts.
 */
import type { LinkRequest } from "../../ffi/route-link.ts";

export type HostStep = {
  /** For people: `make cgroup "memory/bocker/ID"`. */
  readonly label: string;
  /** What a crash between this and the next step leaves, and who sweeps it, is argued where the plan is made. */
  readonly undo?: HostEffect;
  /** Errors that count as done, by errno name: a mkdir that meets EEXIST. */
  readonly ignore?: readonly string[];
} & HostEffect;

export type HostEffect =
  | { readonly kind: "mkdir"; readonly path: string; readonly mode: number }
  | { readonly kind: "rmdir"; readonly path: string }
  /** Into a kernel file that exists (cgroup, sysctl): one write(2), never a creation. */
  | {
      readonly kind: "write";
      readonly path: string;
      readonly data: string;
      /** Where there is no `path`: the same setting as other kernels have it. */
      readonly instead?: { readonly path: string; readonly data: string };
    }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  /** A program run with no shell; `stdin` is a script for `ip -batch -` or `nft -f -`. */
  | {
      readonly kind: "command";
      readonly argv: readonly string[];
      readonly stdin?: string;
      /** What the first lines of `stdin` say, one each: asked of the kernel directly. The program gets what is left. */
      readonly links?: readonly LinkRequest[];
    };

/**
 * The host's ends of a process's standard streams, and making them.
 *
 * The container never gets the user's own descriptors. A pipe's two ends are separate open files, so that making
 * ours non-blocking does not show on the process's side. See pipe(7), pty(7).
 */
import { closeQuietly, fchownat, pipe2 } from "../../ffi/file.ts";
import { atFlags } from "../../ffi/flags.ts";
import { openPtyPeer } from "../../ffi/tty.ts";

/** Our ends; whoever holds the value closes the descriptors. */
export type HostStdio =
  | {
      readonly kind: "pipes";
      readonly stdin: number | undefined;
      readonly stdout: number;
      readonly stderr: number;
    }
  | { readonly kind: "pty"; readonly master: number };

export interface StdioPipes {
  readonly host: HostStdio & { readonly kind: "pipes" };
  /** For the process's descriptors 0, 1, 2; stdin undefined: give it /dev/null. */
  readonly child: { readonly stdin: number | undefined; readonly stdout: number; readonly stderr: number };
  /** To be called once the process has them. */
  closeChildEnds(): void;
}

/**
 * Makes pipes for a process. They belong to `owner` (host ids), so that a user other than root can open
 * /dev/stdout again, as nginx's image does. All close-on-exec; ours non-blocking.
 */
export function makePipes(options: {
  readonly stdin: boolean;
  readonly owner: { readonly uid: number; readonly gid: number };
}): StdioPipes {
  const open: number[] = [];
  const pipe = (hostReads: boolean): { readonly host: number; readonly child: number } => {
    const [readEnd, writeEnd] = pipe2();
    open.push(readEnd, writeEnd);
    const [host, child] = hostReads ? [readEnd, writeEnd] : [writeEnd, readEnd];
    fchownat(child, "", options.owner.uid, options.owner.gid, atFlags.AT_EMPTY_PATH);
    return { host, child };
  };
  try {
    const stdin = options.stdin ? pipe(false) : undefined;
    const [stdout, stderr] = [pipe(true), pipe(true)];
    return {
      host: { kind: "pipes", stdin: stdin?.host, stdout: stdout.host, stderr: stderr.host },
      child: { stdin: stdin?.child, stdout: stdout.child, stderr: stderr.child },
      closeChildEnds: () => closeQuietly(stdin?.child, stdout.child, stderr.child),
    };
  } catch (error) {
    closeQuietly(...open);
    throw error;
  }
}

/**
 * Keeps a pty from saying EIO while nobody has its slave open: between two programs of a script, or before the
 * first. Closing the result lets the master end once it is read empty. Caller owns the descriptor.
 */
export function holdPtyOpen(stdio: HostStdio): number | undefined {
  return stdio.kind === "pty" ? openPtyPeer(stdio.master) : undefined;
}

export function closeHostStdio(stdio: HostStdio): void {
  if (stdio.kind === "pty") closeQuietly(stdio.master);
  else closeQuietly(stdio.stdin, stdio.stdout, stdio.stderr);
}

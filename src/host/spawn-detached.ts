/**
 * Starting this program again beside itself.
 *
 * Apart from run-command.ts because `run` does it before anything else: this module imports nothing.
 */

export interface DetachedOptions {
  /** By descriptor number in the child, 0 first; "ignore" is /dev/null. The caller keeps and closes its own copies. */
  readonly stdio: readonly (number | "ignore")[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts a program in a session of its own (setsid) that outlives this process, and does not keep this
 * process's event loop alive. The environment is the caller's plus `env`.
 */
export function spawnDetached(argv: readonly string[], options: DetachedOptions): { readonly pid: number } {
  const child = Bun.spawn([...argv], {
    stdio: [...options.stdio] as ["ignore", "ignore", "ignore"],
    detached: true,
    cwd: options.cwd ?? "/",
    env: { ...process.env, ...options.env },
  });
  child.unref();
  return { pid: child.pid };
}

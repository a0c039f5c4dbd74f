/**
 * Passing this process's signals on to the container (`--sig-proxy`), for sessions without a terminal.
 *
 * As docker: everything that can be caught but SIGCHLD, SIGPIPE and SIGURG, which are about this process itself. SIGWINCH
 * goes too. Left out further: the signals of this program's own faults (SIGSEGV
 * and its like), and those Bun does not catch (SIGSTKFLT, real-time ones: measured).
 */
const proxied = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTRAP",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGTERM",
  "SIGCONT",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGVTALRM",
  "SIGPROF",
  "SIGWINCH",
  "SIGIO",
  "SIGPWR",
] as const;

/** Hands each signal's number to `send` until the result is called. */
export function proxySignals(send: (signal: number) => void): () => void {
  // Bun's handlers get the number too; bun-types says so for no signal.
  const handler = (_name: NodeJS.Signals, number: number): void => send(number);
  for (const signal of proxied) process.on(signal, handler);
  return () => {
    for (const signal of proxied) process.off(signal, handler);
  };
}

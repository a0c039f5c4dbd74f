/**
 * Passing this process's signals on to the container (`--sig-proxy`).
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

/** With a terminal, what concerns the window and job control is raw mode's. */
const leftToRawMode: readonly string[] = ["SIGWINCH", "SIGCONT", "SIGTSTP", "SIGTTIN", "SIGTTOU"];

/** As docker: who asks that often wants to leave, whatever the container does. */
const requestsToLeave = 3;

export interface SignalProxy {
  send(signal: number): void;
  /** SIGINT or SIGTERM came for the third time. */
  leave(): void;
}

/** Hands each signal's number to `send` until the result is called. */
export function proxySignals({ send, leave }: SignalProxy, tty = false): () => void {
  let requests = 0;
  // Bun's handlers get the number too; bun-types says so for no signal.
  const handler = (name: NodeJS.Signals, number: number): void => {
    if (name === "SIGINT" || name === "SIGTERM") requests++;
    send(number);
    if (requests === requestsToLeave) leave();
  };
  const signals = tty ? proxied.filter((signal) => !leftToRawMode.includes(signal)) : proxied;
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.off(signal, handler);
  };
}

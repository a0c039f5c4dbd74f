/**
 * A program on a pseudo-terminal, driven like a person at a keyboard would: type, and wait for what appears.
 */

export interface TerminalSession extends AsyncDisposable {
  readonly pid: number;
  readonly exited: Promise<number>;
  /** Everything shown so far. */
  readonly screen: string;
  type(text: string): void;
  /** Resolves with the match once it is on the screen after what earlier calls matched; fails after `timeoutMs`. */
  waitFor(pattern: RegExp | string, timeoutMs?: number): Promise<RegExpExecArray>;
  resize(columns: number, rows: number): void;
  /** The terminal's local flags (termios c_lflag): ICANON 2, ECHO 8, ISIG 1. */
  localFlags(): number;
  kill(signal: NodeJS.Signals): void;
  /** Closes the terminal, as when its window or its line goes away. */
  hangUp(): void;
}

interface TerminalOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Starts `argv` on a new terminal of 80 columns and 24 rows; disposing kills it. */
export function openTerminal(argv: readonly string[], options: TerminalOptions): TerminalSession {
  const decoder = new TextDecoder();
  let screen = "";
  let seen = 0;
  let arrived = Promise.withResolvers<void>();
  const child = Bun.spawn([...argv], {
    env: options.env,
    cwd: options.cwd,
    terminal: {
      cols: 80,
      rows: 24,
      data(_terminal, bytes) {
        screen += decoder.decode(bytes, { stream: true });
        arrived.resolve();
        arrived = Promise.withResolvers<void>();
      },
    },
  });
  const { terminal } = child;
  if (terminal === undefined) throw new Error("no terminal");

  const waitFor = async (pattern: RegExp | string, timeoutMs = 10_000): Promise<RegExpExecArray> => {
    const wanted = typeof pattern === "string" ? new RegExp(RegExp.escape(pattern)) : pattern;
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const match = wanted.exec(screen.slice(seen));
      if (match !== null) {
        seen += match.index + match[0].length;
        return match;
      }
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`${pattern} did not appear; the screen shows ${JSON.stringify(screen.slice(seen))}`);
      await Promise.race([arrived.promise, Bun.sleep(Math.min(left, 50))]);
    }
  };

  return {
    pid: child.pid,
    exited: child.exited,
    get screen() {
      return screen;
    },
    type: (text) => void terminal.write(text),
    waitFor,
    resize: (columns, rows) => terminal.resize(columns, rows),
    localFlags: () => terminal.localFlags,
    kill: (signal) => child.kill(signal),
    hangUp: () => terminal.close(),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) child.kill("SIGKILL");
      await child.exited;
      if (!terminal.closed) terminal.close();
    },
  };
}

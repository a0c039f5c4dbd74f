/**
 * The user's side: a command line on pipes, files and a real terminal, connected with a program under a monitor.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipe2 } from "../../ffi/file.ts";
import { getTerminalModes, setNonBlocking } from "../../ffi/terminal.ts";
import { openPtyPeer, setWindowSize, unlockPty } from "../../ffi/tty.ts";
import type { ProgramOptions } from "../lib/attached-program.ts";
import { killFamily } from "../lib/kill-family.ts";
import type { ProgramSpec } from "../lib/monitor-process.ts";

const program = join(import.meta.dir, "../lib/attached-program.ts");
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bocker-attach-"));
});
afterEach(() => {
  killFamily(folder);
  rmSync(folder, { recursive: true, force: true });
});

function commandLine(options: Partial<ProgramOptions>, spec: Partial<ProgramSpec>): string[] {
  const full = {
    stdin: false,
    tty: spec.tty === true,
    sigProxy: true,
    brokenOutput: "close",
    ...options,
  };
  const monitor = {
    socketPath: join(folder, "attach.sock"),
    logPath: join(folder, "log.json"),
    settledPath: join(folder, "settled"),
    stdin: options.stdin === true,
    ...spec,
  };
  return [process.execPath, program, JSON.stringify(full), JSON.stringify(monitor)];
}

const shell = (script: string): { readonly argv: readonly string[] } => ({ argv: ["sh", "-c", script] });
const inShell = (argv: readonly string[]): string =>
  argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 8000; tries++) {
    if (condition()) return;
    await Bun.sleep(5);
  }
  throw new Error(`never happened: ${what}`);
}

for (const local of [false, true]) {
  describe(`streams, ${local ? "as exec" : "as run"}`, () => {
    const run = (script: string, options: Partial<ProgramOptions>, stdin: Uint8Array = new Uint8Array(0)) => {
      const child = Bun.spawnSync(
        commandLine({ local, ...options }, { ...shell(script), logDriver: "none" }),
        { stdin },
      );
      return {
        exitCode: child.exitCode,
        stdout: child.stdout.toString(),
        stderr: child.stderr.toString(),
      };
    };

    test("stdout and stderr stay apart, the exit code passes", () => {
      expect(run("echo out; echo err >&2; exit 42", {})).toEqual({
        exitCode: 42,
        stdout: "out\n",
        stderr: "err\n",
      });
    });

    test("stdin and its end reach the program", () => {
      const input = Buffer.alloc(3_000_000, "0123456789abcdef");
      const result = run("sha1sum", { stdin: true }, input);
      expect(result.stdout.slice(0, 40)).toBe(new Bun.CryptoHasher("sha1").update(input).digest("hex"));
    });

    test("every byte value comes through", () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
      const child = Bun.spawnSync(commandLine({ local, stdin: true }, { argv: ["cat"], logDriver: "none" }), {
        stdin: bytes,
      });
      expect([...child.stdout]).toEqual([...bytes]);
    });

    test("without -i the user's stdin is not touched", () => {
      const line = `${inShell(commandLine({ local }, { argv: ["cat"] }))}; cat`;
      const child = Bun.spawnSync(["sh", "-c", line], { stdin: Buffer.from("for the next\n") });
      expect(child.stdout.toString()).toBe("for the next\n");
    });

    test("a file is read from where others left it", () => {
      const file = join(folder, "input");
      writeFileSync(file, "first\nsecond\nthird\n");
      const line = `exec < ${file}; dd bs=6 count=1 status=none; ${inShell(commandLine({ local, stdin: true }, { argv: ["tr", "a-z", "A-Z"] }))}`;
      expect(Bun.spawnSync(["sh", "-c", line]).stdout.toString()).toBe("first\nSECOND\nTHIRD\n");
    });

    test("output goes to a file behind what is there, and in one with stderr", () => {
      const file = join(folder, "output");
      const line = `{ echo before; ${inShell(commandLine({ local }, shell("echo out; echo err >&2")))}; echo after; } > ${file} 2>&1`;
      Bun.spawnSync(["sh", "-c", line]);
      const lines = readFileSync(file, "utf8").split("\n");
      expect(lines.toSorted()).toEqual(["", "after", "before", "err", "out"]);
      expect(lines[0]).toBe("before");
      expect(lines[3]).toBe("after");
    });

    test("a slow reader gets 30 MB whole", () => {
      const line = `${inShell(commandLine({ local }, { argv: ["head", "-c", "30000000", "/dev/zero"], logDriver: "none" }))} | (sleep 0.5; wc -c)`;
      expect(Bun.spawnSync(["sh", "-c", line]).stdout.toString().trim()).toBe("30000000");
    });

    test("a reader that leaves ends the program, as in any pipeline", () => {
      const line = `{ ${inShell(commandLine({ local }, { argv: ["yes"], logDriver: "none" }))}; echo $? >&2; } | head -n 1`;
      const child = Bun.spawnSync(["sh", "-c", line]);
      expect(child.stdout.toString()).toBe("y\n");
      expect(child.stderr.toString()).toBe("141\n");
    });

    test("the pipe it writes to stays as it was for those who share it", async () => {
      const [readEnd, writeEnd] = pipe2();
      const child = Bun.spawn(
        commandLine({ local }, { argv: ["head", "-c", "100000", "/dev/zero"], logDriver: "none" }),
        {
          stdio: ["ignore", writeEnd, "inherit"],
        },
      );
      await Bun.sleep(300);
      expect(setNonBlocking(writeEnd, false)).toBe(false);
      closeSync(writeEnd);
      let bytes = 0;
      const buffer = Buffer.alloc(65_536);
      for (let length = 1; length > 0; bytes += length) length = readSync(readEnd, buffer);
      expect(bytes).toBe(100_000);
      expect(await child.exited).toBe(0);
      closeSync(readEnd);
    });

    test("signals reach the program, which decides what they mean", async () => {
      const script =
        "trap 'echo hup' HUP; trap 'echo int' INT; trap 'echo term; exit 3' TERM; echo ready; while :; do sleep 0.02; done";
      const child = Bun.spawn(commandLine({ local }, shell(script)), {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let text = "";
      const reading = (async () => {
        for await (const chunk of child.stdout) text += new TextDecoder().decode(chunk);
      })();
      for (const [word, signal] of [
        ["ready", "SIGHUP"],
        ["hup", "SIGINT"],
        ["int", "SIGTERM"],
      ] as const) {
        await until(word, () => text.includes(word));
        child.kill(signal);
      }
      expect(await child.exited).toBe(3);
      await reading;
      expect(text).toBe("ready\nhup\nint\nterm\n");
    });
  });
}

describe("without --sig-proxy", () => {
  test("a signal ends the command line, not the program", async () => {
    const child = Bun.spawn(
      commandLine({ sigProxy: false }, shell("echo ready; sleep 0.6; echo still here")),
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    await child.stdout.getReader().read();
    child.kill("SIGTERM");
    await child.exited;
    expect(child.signalCode).toBe("SIGTERM");
    await until("settled", () => existsSync(join(folder, "settled")));
    expect(readFileSync(join(folder, "log.json"), "utf8")).toContain("still here");
  });

  test("a broken stdout can leave the program running", async () => {
    const line = `{ ${inShell(commandLine({ brokenOutput: "leave" }, shell("echo a; sleep 0.2; echo b; sleep 0.3; echo c")))}; echo $? >&2; } | head -n 1`;
    const child = Bun.spawnSync(["sh", "-c", line]);
    expect(child.stderr.toString()).toBe("141\n");
    await until("settled", () => existsSync(join(folder, "settled")));
    expect(readFileSync(join(folder, "log.json"), "utf8")).toContain('"c\\n"');
  });
});

/** A terminal with a command line on it, as a user's. */
class Terminal {
  readonly master = openSync("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY);
  readonly slave: number;
  readonly before: Uint8Array;
  readonly child: Bun.Subprocess;
  text = "";

  constructor(argv: readonly string[]) {
    unlockPty(this.master);
    setWindowSize(this.master, { rows: 24, columns: 80 });
    this.slave = openPtyPeer(this.master);
    this.before = getTerminalModes(this.slave);
    this.child = Bun.spawn(["setsid", "-c", ...argv], { stdio: [this.slave, this.slave, this.slave] });
    setNonBlocking(this.master, true);
    void this.#read();
  }

  async #read(): Promise<void> {
    const reader = Bun.file(this.master).stream().getReader();
    try {
      for (;;) {
        const { value } = await reader.read();
        if (value === undefined) return;
        this.text += new TextDecoder().decode(value);
      }
    } catch {
      // EIO: the end of a terminal.
    }
  }

  type(keys: string): void {
    writeSync(this.master, keys);
  }

  see(text: string): Promise<void> {
    return until(`${JSON.stringify(text)} on the terminal`, () => this.text.includes(text)).catch(
      (error: Error) => {
        throw new Error(`${error.message}; it shows ${JSON.stringify(this.text)}`);
      },
    );
  }

  get isRaw(): boolean {
    return !Buffer.from(this.before).equals(getTerminalModes(this.slave));
  }

  close(): void {
    this.child.kill("SIGKILL");
    closeSync(this.slave);
    closeSync(this.master);
  }
}

describe("a terminal", () => {
  const open: Terminal[] = [];
  afterEach(() => {
    for (const terminal of open.splice(0)) terminal.close();
  });
  function onTerminal(options: Partial<ProgramOptions>, spec: Partial<ProgramSpec>): Terminal {
    const terminal = new Terminal(commandLine({ stdin: true, ...options }, { tty: true, ...spec }));
    open.push(terminal);
    return terminal;
  }

  test("is raw while the program runs, and as before afterwards", async () => {
    const terminal = onTerminal({}, shell("echo ready; read x; echo got=$x; exit 5"));
    await terminal.see("ready");
    expect(terminal.isRaw).toBe(true);
    terminal.type("abc\r");
    expect(await terminal.child.exited).toBe(5);
    await terminal.see("got=abc");
    expect(terminal.isRaw).toBe(false);
  });

  test("passes Ctrl-C and Ctrl-Z on as keys", async () => {
    const terminal = onTerminal(
      {},
      shell("trap 'echo INT' INT; trap 'echo TSTP' TSTP; echo ready; while :; do sleep 0.05; done"),
    );
    await terminal.see("ready");
    terminal.type("\x03");
    await terminal.see("INT");
    terminal.type("\x1a");
    await terminal.see("TSTP");
    terminal.type("\x10\x11");
    expect(await terminal.child.exited).toBe(99);
  });

  test("gives the program the window's size, and its changes", async () => {
    const terminal = onTerminal({}, shell("trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done"));
    await terminal.see("24 80");
    setWindowSize(terminal.master, { rows: 40, columns: 120 });
    await terminal.see("40 120");
  });

  test("is left by the detach keys, and the program goes on", async () => {
    const terminal = onTerminal({}, shell("echo ready; sleep 0.5; echo later"));
    await terminal.see("ready");
    terminal.type("\x10");
    await Bun.sleep(20);
    terminal.type("\x11");
    expect(await terminal.child.exited).toBe(99);
    expect(terminal.isRaw).toBe(false);
    await until("settled", () => existsSync(join(folder, "settled")));
    expect(readFileSync(join(folder, "log.json"), "utf8")).toContain("later");
  });

  test("other detach keys can be chosen", async () => {
    const terminal = onTerminal({ detachKeys: "ctrl-x,x" }, { argv: ["cat"] });
    await until("raw", () => terminal.isRaw);
    terminal.type("\x10\x11\x18x");
    expect(await terminal.child.exited).toBe(99);
  });

  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"] as const) {
    test(`is given back when ${signal} ends the command line`, async () => {
      const terminal = onTerminal({}, { argv: ["cat"] });
      await until("raw", () => terminal.isRaw);
      process.kill(terminal.child.pid, signal);
      await terminal.child.exited;
      expect(terminal.isRaw).toBe(false);
    });
  }

  test("is given back while the command line is stopped, and raw again afterwards", async () => {
    const terminal = onTerminal({}, { argv: ["cat"] });
    await until("raw", () => terminal.isRaw);
    const pid = terminal.child.pid;
    process.kill(pid, "SIGTSTP");
    await until("stopped", () => readFileSync(`/proc/${pid}/stat`, "utf8").includes(") T "));
    expect(terminal.isRaw).toBe(false);
    process.kill(pid, "SIGCONT");
    await until("raw again", () => terminal.isRaw);
  });

  test("without -i stays as it is", async () => {
    const terminal = onTerminal({ stdin: false }, shell("echo ready; sleep 0.2"));
    await terminal.see("ready");
    expect(terminal.isRaw).toBe(false);
    expect(await terminal.child.exited).toBe(0);
  });

  test("is asked for with -i -t: without one nothing is started", () => {
    const child = Bun.spawnSync(commandLine({ stdin: true, tty: true }, { argv: ["true"], tty: true }), {
      stdin: Buffer.from("x"),
    });
    expect(child.stderr.toString()).toBe("the input device is not a TTY\n");
    expect(existsSync(join(folder, "settled"))).toBe(false);
  });
});

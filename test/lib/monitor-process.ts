/**
 * A monitor for tests: runs a plain program instead of a container, on pipes or a pty.
 *
 * `bun monitor-process.ts SPEC-JSON PLACEHOLDER`, with the channel on descriptor 3. Settled exits are appended to a file.
 */
import { appendFileSync, closeSync, openSync } from "node:fs";
import { pidfd_open } from "../../ffi/process.ts";
import { openPtyPeer, setWindowSize, unlockPty } from "../../ffi/tty.ts";
import { BockerError } from "../../src/errors.ts";
import { type HostStdio, makePipes } from "../../src/monitor/container-stdio.ts";
import type {
  MonitorDependencies,
  StartedContainer,
  StartOptions,
} from "../../src/monitor/monitor-dependencies.ts";
import { takeRestState } from "../../src/monitor/rest.ts";
import { resumeMonitor, runMonitor } from "../../src/monitor/run-monitor.ts";

export interface ProgramSpec {
  readonly argv: readonly string[];
  readonly tty?: boolean;
  readonly stdin?: boolean;
  readonly stdinOnce?: boolean;
  readonly socketPath: string;
  readonly logPath: string;
  readonly logDriver?: "json-file" | "none";
  readonly settledPath: string;
  readonly failStart?: boolean;
  readonly failSettle?: boolean;
  /** Starts it once more when it has ended, as a restart policy does. */
  readonly startTwice?: boolean;
  /** The monitor may make itself small, as the product's. */
  readonly rest?: boolean;
}

interface Wiring {
  readonly stdio: HostStdio;
  readonly child: readonly [number | "ignore", number, number];
  readonly close: () => void;
}

function wire(spec: ProgramSpec, options: StartOptions): Wiring {
  if (spec.tty === true) {
    const O_RDWR_NOCTTY_CLOEXEC = 2 | 0o400 | 0o2000000;
    const master = openSync("/dev/ptmx", O_RDWR_NOCTTY_CLOEXEC);
    unlockPty(master);
    if (options.size !== undefined) setWindowSize(master, options.size);
    const slave = openPtyPeer(master);
    return { stdio: { kind: "pty", master }, child: [slave, slave, slave], close: () => closeSync(slave) };
  }
  const pipes = makePipes({ stdin: spec.stdin === true, owner: { uid: 0, gid: 0 } });
  const { stdin, stdout, stderr } = pipes.child;
  return { stdio: pipes.host, child: [stdin ?? "ignore", stdout, stderr], close: pipes.closeChildEnds };
}

const signalNames = new Map([
  [1, "SIGHUP"],
  [2, "SIGINT"],
  [9, "SIGKILL"],
  [10, "SIGUSR1"],
  [15, "SIGTERM"],
] as const);

function startProgram(spec: ProgramSpec, options: StartOptions): StartedContainer {
  const { stdio, child, close } = wire(spec, options);
  const argv = spec.tty === true ? ["setsid", "-c", ...spec.argv] : [...spec.argv];
  const program = Bun.spawn(argv, { stdio: [...child] as ["ignore", number, number] });
  close();
  const exited = program.exited.then((code) => ({ exitCode: code }));
  const signal = (number: number) => program.kill(signalNames.get(number as 1) ?? number);
  return {
    stdio,
    process: { exited, signal },
    stdinOnce: spec.stdinOnce ?? true,
    ...(spec.rest === true
      ? { rest: { pidfd: pidfd_open(program.pid), command: [process.execPath, ...process.argv.slice(1, 3)] } }
      : {}),
    socketPath: spec.socketPath,
    log: { driver: spec.logDriver ?? "json-file", path: spec.logPath, maxSizeBytes: 10_000_000, maxFiles: 3 },
  };
}

if (import.meta.main) {
  const spec = JSON.parse(process.argv[2] ?? "{}") as ProgramSpec;
  let isSecond = spec.startTwice !== true;
  const dependencies: MonitorDependencies = {
    startContainer: async (_id, options) => {
      if (spec.failStart === true) {
        throw new BockerError('exec: "nope": executable file not found in $PATH', {
          kind: "command-not-found",
          exitCode: 127,
          hint: "try another",
          cause: new Error("ENOENT"),
        });
      }
      return startProgram(spec, options);
    },
    settleExit: async (id, exit) => {
      appendFileSync(spec.settledPath, `${id} ${exit.exitCode}\n`);
      if (spec.failSettle === true) throw new Error("the database is locked");
      if (isSecond) return {};
      isSecond = true;
      return { restartInMs: 0 };
    },
    restartContainer: async () => startProgram(spec, {}),
    thawContainer: async () => undefined,
  };
  const resting = takeRestState();
  if (resting === undefined) await runMonitor(dependencies);
  else await resumeMonitor(resting, async () => dependencies);
  process.exit(0);
}

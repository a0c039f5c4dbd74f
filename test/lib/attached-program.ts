/**
 * A command line for tests: `bun attached-program.ts OPTIONS-JSON MONITOR-SPEC-JSON` runs a program under a monitor
 * and connects it with its own stdin, stdout, stderr and terminal, as `bocker run` does with a container.
 *
 * With `local` in the options there is no monitor: the session is the exec kind, with the process as its child.
 */
import { join } from "node:path";
import { makePipes } from "../../src/monitor/container-stdio.ts";
import { LocalSession } from "../../src/monitor/local-session.ts";
import type { Session } from "../../src/monitor/session.ts";
import { spawnMonitor } from "../../src/monitor/spawn-monitor.ts";
import {
  type AttachOptions,
  checkInputTerminal,
  currentWindowSize,
  runAttached,
} from "../../src/terminal/run-attached.ts";
import type { ProgramSpec } from "./monitor-process.ts";

export type ProgramOptions = AttachOptions & { readonly local?: boolean };

async function openSession(options: ProgramOptions, spec: ProgramSpec): Promise<Session> {
  if (options.local === true) return localSession(spec);
  const monitor = spawnMonitor([
    process.execPath,
    join(import.meta.dir, "monitor-process.ts"),
    JSON.stringify(spec),
  ]);
  const size = currentWindowSize();
  const attach = {
    stdin: options.stdin,
    stdout: true,
    stderr: true,
    ...(size === undefined ? {} : { size }),
  };
  return monitor.start({ id: "ab".repeat(32), attach });
}

function localSession(spec: ProgramSpec): Session {
  const pipes = makePipes({ stdin: spec.stdin === true, owner: { uid: -1, gid: -1 } });
  const { stdin, stdout, stderr } = pipes.child;
  const program = Bun.spawn([...spec.argv], { stdio: [stdin ?? "ignore", stdout, stderr] });
  pipes.closeChildEnds();
  const exited = program.exited.then((exitCode) => ({ exitCode }));
  return new LocalSession(pipes.host, { exited, signal: (number) => program.kill(number) });
}

async function main(): Promise<number> {
  const [optionsText = "{}", specText = "{}"] = process.argv.slice(2);
  const options = JSON.parse(optionsText) as ProgramOptions;
  try {
    checkInputTerminal(options);
    const session = await openSession(options, JSON.parse(specText) as ProgramSpec);
    const result = await runAttached(session, options);
    return result.kind === "exited" ? result.exitCode : 99;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 125;
  }
}

if (import.meta.main) process.exit(await main());

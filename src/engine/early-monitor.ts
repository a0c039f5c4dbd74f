/**
 * The monitor that `run` and `start` will need, started before it is known what for.
 *
 * It boots on another core while the command line is parsed and the image resolved; so this is the first module that
 * main.ts loads, and imports next to nothing. One that nobody takes ends by itself when this process does.
 */
import { selfCommand } from "../host/self-command.ts";
import { type MonitorProcess, startMonitorProcess } from "../monitor/monitor-process.ts";

let prepared: MonitorProcess | undefined;

/** Starts one ahead of time; for command lines without global options, whose monitor needs none either. */
export function prepareMonitor(): void {
  if (process.geteuid?.() === 0) prepared ??= startMonitorProcess(selfCommand("monitor"));
}

/** The prepared monitor, once. */
export function takePrepared(): MonitorProcess | undefined {
  const ready = prepared;
  prepared = undefined;
  return ready;
}

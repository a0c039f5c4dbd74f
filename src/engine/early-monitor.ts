/**
 * The monitor that `run` and `start` will need, started before it is known what for.
 *
 * It boots on another core while the command line is parsed and the image resolved. A command that takes it must give
 * it an order or dismiss it; one that nobody takes ends by itself when this process does.
 */
import type { SettingsFlags } from "../config/engine-settings.ts";
import { effectiveUid } from "../host/host-facts.ts";
import { selfCommand } from "../host/self-command.ts";
import { type MonitorHandle, spawnMonitor } from "../monitor/spawn-monitor.ts";

let prepared: MonitorHandle | undefined;

/** Starts one ahead of time; for command lines without global options, whose monitor needs none either. */
export function prepareMonitor(): void {
  if (effectiveUid() === 0) prepared ??= spawnMonitor(selfCommand("monitor"));
}

/** The prepared monitor, or a new one. Global options reach it as the variables of the same meaning. */
export function takeMonitor(flags: SettingsFlags): MonitorHandle {
  const ready = prepared;
  prepared = undefined;
  if (ready !== undefined) return ready;
  if (flags.config !== undefined) process.env.BOCKER_CONFIG = flags.config;
  if (flags.root !== undefined) process.env.BOCKER_ROOT = flags.root;
  if (flags.storageDriver !== undefined) process.env.BOCKER_STORAGE_DRIVER = flags.storageDriver;
  if (flags.runRoot !== undefined) process.env.BOCKER_RUN = flags.runRoot;
  return spawnMonitor(selfCommand("monitor"));
}

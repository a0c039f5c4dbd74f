/**
 * The monitor for a command that starts a container: the one that boots already (early-monitor.ts), where there is one.
 */
import type { SettingsFlags } from "../config/engine-settings.ts";
import { selfCommand } from "../host/self-command.ts";
import { type MonitorHandle, monitorHandle, spawnMonitor } from "../monitor/spawn-monitor.ts";
import { takePrepared } from "./early-monitor.ts";

/** The prepared monitor, or a new one: to be given an order, or dismissed. Global options reach it as variables. */
export function takeMonitor(flags: SettingsFlags): MonitorHandle {
  const ready = takePrepared();
  if (ready !== undefined) return monitorHandle(ready);
  passSettingsOn(flags);
  return spawnMonitor(selfCommand("monitor"));
}

/** Gives global options to every process that is started from now on, as the variables of the same meaning. */
export function passSettingsOn(flags: SettingsFlags): void {
  if (flags.config !== undefined) process.env.BOCKER_CONFIG = flags.config;
  if (flags.root !== undefined) process.env.BOCKER_ROOT = flags.root;
  if (flags.storageDriver !== undefined) process.env.BOCKER_STORAGE_DRIVER = flags.storageDriver;
  if (flags.runRoot !== undefined) process.env.BOCKER_RUN = flags.runRoot;
}

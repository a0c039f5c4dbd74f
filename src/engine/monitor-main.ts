/**
 * A monitor process from its first line: settings, state, then the one container it is told to start.
 */
import { loadEngineSettings, type SettingsFlags } from "../config/engine-settings.ts";
import { runMonitor } from "../monitor/run-monitor.ts";
import { openEngine } from "./engine.ts";
import { monitorDependencies } from "./monitor-role.ts";

/** Runs until the container's end is settled. What is wrong with the settings is told by whoever gives the order. */
export async function runMonitorRole(flags: SettingsFlags): Promise<number> {
  await runMonitor(monitorDependencies(openEngine(await loadEngineSettings(flags, process.env))));
  return 0;
}

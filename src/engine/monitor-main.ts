/**
 * A monitor process from its first line: settings, state, then the one container it is told to start; or, after a rest
 * (src/monitor/rest.ts), the waiting for its end.
 *
 * The engine is imported only where it is needed: a resting monitor does without it, which is most of its memory.
 */
import type { SettingsFlags } from "../config/engine-settings.ts";
import type { MonitorDependencies } from "../monitor/monitor-dependencies.ts";
import { takeRestState } from "../monitor/rest.ts";
import { resumeMonitor, runMonitor } from "../monitor/run-monitor.ts";

/** Runs until the container's end is settled. What is wrong with the settings is told by whoever gives the order. */
export async function runMonitorRole(flags: SettingsFlags): Promise<number> {
  const resting = takeRestState();
  if (resting === undefined) await runMonitor(await loadDependencies(flags));
  else await resumeMonitor(resting, () => loadDependencies(flags));
  return 0;
}

async function loadDependencies(flags: SettingsFlags): Promise<MonitorDependencies> {
  const [{ loadEngineSettings }, { openEngine }, { monitorDependencies }] = await Promise.all([
    import("../config/engine-settings.ts"),
    import("./engine.ts"),
    import("./monitor-role.ts"),
  ]);
  return monitorDependencies(openEngine(await loadEngineSettings(flags, process.env)));
}

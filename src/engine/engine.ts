/**
 * The engine: the open handles and settings that every use case of this folder is given. No state of its own.
 */
import type { EngineSettings } from "../config/engine-settings.ts";
import { type Paths, pathsUnder } from "../host/paths.ts";
import { openState, type State } from "../state/state.ts";

export interface Engine {
  readonly paths: Paths;
  readonly settings: EngineSettings;
  readonly state: State;
}

/** Opens the state database, making it first when it is not there. Throws kinds `permission`, `corrupt`, `host`. */
export function openEngine(settings: EngineSettings): Engine {
  const paths = pathsUnder(settings.root, settings.runRoot);
  return { paths, settings, state: openState(paths) };
}

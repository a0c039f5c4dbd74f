/**
 * From a command's global options to an open engine: the one place where commands meet configuration and root.
 */
import { type EngineSettings, loadEngineSettings } from "../config/engine-settings.ts";
import { type Engine, openEngine } from "../engine/engine.ts";
import { BockerError } from "../errors.ts";
import { effectiveUid } from "../host/host-facts.ts";
import type { CommandContext } from "./command-spec.ts";

/** Opens the engine. Throws `permission` when not root, and what the engine's configuration file has wrong. */
export async function openEngineFor(context: CommandContext): Promise<Engine> {
  return openEngineWith(await loadEngineSettings(context.global, context.env));
}

/** The same for a command that has read the settings already. */
export function openEngineWith(settings: EngineSettings): Engine {
  requireRoot();
  return openEngine(settings);
}

/** For a command that leaves the engine to another process. */
export function requireRoot(): void {
  if (effectiveUid() === 0) return;
  throw new BockerError("bocker needs root: it makes namespaces, mounts and networks of the host", {
    kind: "permission",
    hint: "run it with sudo; rootless containers are not there yet",
  });
}

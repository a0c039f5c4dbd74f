/**
 * Where a container's cgroup is: below its --cgroup-parent or the engine's, named by its id. Pure.
 */
import type { ContainerRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";

const defaultParent = "bocker";

/** `/bocker/ID`; the same path in every tree of the hierarchy. */
export function cgroupPathOf(
  engine: Pick<Engine, "settings">,
  record: Pick<ContainerRecord, "id" | "config">,
): string {
  const parent = record.config.cgroupParent ?? engine.settings.cgroupParent ?? defaultParent;
  return `/${parent.replace(/^\/+|\/+$/g, "")}/${record.id}`;
}

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
  const { cgroupParent } = record.config;
  const parent = cgroupParent === undefined ? cgroupParentOf(engine) : withOneSlash(cgroupParent);
  return `${parent}/${record.id}`;
}

/** The engine's parent of containers that name none, `/bocker`. */
export function cgroupParentOf({ settings }: Pick<Engine, "settings">): string {
  return withOneSlash(settings.cgroupParent ?? defaultParent);
}

function withOneSlash(parent: string): string {
  return `/${parent.replace(/^\/+|\/+$/g, "")}`;
}

/**
 * `rename`: another name for a container, running or not.
 */
import { checkContainerName } from "../config/value-check.ts";
import { BockerError, messageOf } from "../errors.ts";
import { renameContainer as renameRow, setContainerConfig } from "../state/container.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";

/** Throws docker's refusals: empty, invalid, the same, taken. */
export async function renameContainer(engine: Engine, nameOrId: string, newName: string): Promise<void> {
  if (nameOrId.trim() === "" || newName.trim() === "") {
    // docker 28's message, then what 29 says.
    const blank =
      nameOrId.trim() === "" ? "invalid container name or ID: value is empty" : "new name cannot be blank";
    throw new BockerError("Neither old nor new names may be empty", {
      kind: "invalid-config",
      cause: new Error(blank),
    });
  }
  const record = await loadContainer(engine, nameOrId);
  if (newName.replace(/^\//, "") === record.name) {
    throw new BockerError("Renaming a container with the same name as its current name", {
      kind: "conflict",
    });
  }
  try {
    const name = checkContainerName(newName);
    engine.state.transaction(() => {
      renameRow(engine.state, record.id, name);
      setContainerConfig(engine.state, record.id, { ...record.config, name });
    });
  } catch (error) {
    const kind = error instanceof BockerError ? error.kind : "invalid-config";
    throw new BockerError(`Error when allocating new name: ${messageOf(error)}`, { kind });
  }
}

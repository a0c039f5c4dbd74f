/**
 * The further processes of containers (`exec`), while they run: docker's ExecIDs.
 *
 * A row is made by the process's parent and removed by it at the end. One whose parent was killed stays until the container
 * goes, and is not shown once the process is gone.
 */
import { isProcessAlive } from "../host/process-identity.ts";
import type { ProcessIdentity } from "./record.ts";
import { identityColumn, identityText, textColumn } from "./row.ts";
import type { State } from "./state.ts";

/** Notes one that has started; nothing when its container has gone meanwhile. */
export function insertExec(state: State, id: string, containerId: string, process: ProcessIdentity): void {
  state.run(
    "INSERT INTO execs (id, container_id, process) SELECT ?, id, ? FROM containers WHERE id = ?",
    id,
    identityText(process),
    containerId,
  );
}

export function removeExec(state: State, id: string): void {
  state.run("DELETE FROM execs WHERE id = ?", id);
}

/** The ids of those that run in a container, oldest first. */
export function listExecs(state: State, containerId: string): string[] {
  return state
    .all("SELECT * FROM execs WHERE container_id = ? ORDER BY rowid", containerId)
    .filter((row) => isProcessAlive(identityColumn(row, "process")))
    .map((row) => textColumn(row, "id"));
}

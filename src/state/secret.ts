/**
 * Secret rows: what is known of each secret but its value, which is a file of root's alone (src/engine/secret.ts).
 */
import { BockerError } from "../errors.ts";
import type { SecretRecord } from "./record.ts";
import { numberColumn, stringMapColumn, textColumn } from "./row.ts";
import { isUniqueViolation, type Row, type State } from "./state.ts";

/** Throws podman's error when the name is taken. */
export function insertSecret(state: State, secret: SecretRecord): void {
  const { id, name, createdAtMs, updatedAtMs, labels } = secret;
  try {
    state.run(
      "INSERT INTO secrets (id, name, created_at_ms, updated_at_ms, labels) VALUES (?, ?, ?, ?, ?)",
      id,
      name,
      createdAtMs,
      updatedAtMs,
      JSON.stringify(labels),
    );
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new BockerError(`${name}: secret name in use`, {
      kind: "conflict",
      hint: "--replace gives it a new value",
    });
  }
}

/** By name, by id, or by the only id that begins so. Throws podman's words when there is none. */
export function findSecret(state: State, nameOrId: string): SecretRecord {
  const exact =
    state.first("SELECT * FROM secrets WHERE name = ?", nameOrId) ??
    state.first("SELECT * FROM secrets WHERE id = ?", nameOrId);
  const isPrefix = exact === undefined && /^[0-9a-f]{1,25}$/.test(nameOrId);
  // "g" sorts after every hex digit.
  const begun = isPrefix
    ? state.all("SELECT * FROM secrets WHERE id >= ? AND id < ? LIMIT 2", nameOrId, `${nameOrId}g`)
    : [];
  const row = exact ?? (begun.length === 1 ? begun[0] : undefined);
  if (row !== undefined) return readSecret(row);
  throw new BockerError(`no secret with name or id "${nameOrId}": no such secret`, {
    kind: "not-found",
    hint: "bocker secret ls names them",
  });
}

/** Every secret, by name. */
export function listSecrets(state: State): SecretRecord[] {
  return state.all("SELECT * FROM secrets ORDER BY name").map(readSecret);
}

/** False when it was gone already. */
export function deleteSecret(state: State, id: string): boolean {
  return state.run("DELETE FROM secrets WHERE id = ?", id) > 0;
}

function readSecret(row: Row): SecretRecord {
  return {
    id: textColumn(row, "id"),
    name: textColumn(row, "name"),
    createdAtMs: numberColumn(row, "created_at_ms"),
    updatedAtMs: numberColumn(row, "updated_at_ms"),
    labels: stringMapColumn(row, "labels"),
  };
}

/**
 * Secrets as a user manages them: `secret create`, `ls`, `inspect`, `rm`.
 *
 *   STATE ROOT/secret/ID     the value, 0600 in a folder of 0700
 *
 * A value is in that file and in the folders of the containers that were made with it, and nowhere else: no row, no
 * argv, no inspect output has it. The row decides whether a file counts; one without a row (a crash between the two) goes
 * with the next create or rm.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BockerError, ExitCode } from "../errors.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import { nowMs } from "../host/clock.ts";
import { randomHex } from "../host/random-id.ts";
import { appendEvent } from "../state/event.ts";
import type { SecretRecord } from "../state/record.ts";
import { deleteSecret, findSecret, insertSecret, listSecrets } from "../state/secret.ts";
import type { Engine } from "./engine.ts";
import type { JsonObject } from "./inspect-host-config.ts";
import { renderTime } from "./render-time.ts";

export type { SecretRecord };

/** podman's bound. */
export const maxSecretBytes = 512_000;

export interface NewSecret {
  readonly name: string;
  readonly value: Uint8Array;
  readonly labels: Readonly<Record<string, string>>;
  /** Take the place of one of that name; containers that were made with it keep the old value. */
  readonly replace: boolean;
}

/** Keeps a value under a name; gives its id. Throws podman's words for a bad name, a bad size, a name in use. */
export function createSecret(engine: Engine, { name, value, labels, replace }: NewSecret): string {
  checkSecretName(name);
  if (value.length === 0 || value.length >= maxSecretBytes) {
    throw new BockerError(`secret data must be larger than 0 and less than ${maxSecretBytes} bytes`, {
      kind: "invalid-config",
    });
  }
  const folder = secretFolder(engine);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const made = engine.state.transaction(() => {
    const now = nowMs();
    const earlier = replace ? existingSecret(engine, name) : undefined;
    if (earlier !== undefined) deleteSecret(engine.state, earlier.id);
    const id = randomHex(13).slice(0, 25);
    insertSecret(engine.state, {
      id,
      name,
      createdAtMs: earlier?.createdAtMs ?? now,
      updatedAtMs: now,
      labels,
    });
    writeFileAtomic(join(folder, id), value, { mode: 0o600, durable: true });
    tell(engine, "create", { id, name });
    return id;
  });
  sweepValues(engine);
  return made;
}

function checkSecretName(name: string): void {
  const isTooLong = name.length < 1 || name.length > 253;
  if (!isTooLong && !/[=/,\0]/.test(name) && name !== "." && name !== "..") return;
  throw new BockerError(
    `secret name ${JSON.stringify(name)} can not include '=', '/', ',', or the NULL ('\\0') and be between 1 and 253 characters: invalid secret name`,
    { kind: "invalid-config" },
  );
}

function existingSecret(engine: Engine, name: string): SecretRecord | undefined {
  return listSecrets(engine.state).find((secret) => secret.name === name);
}

/** Every secret, by name. */
export function loadSecrets(engine: Engine): readonly SecretRecord[] {
  return listSecrets(engine.state);
}

/** podman's Secret object; never the value. */
export function inspectSecret(engine: Engine, nameOrId: string): JsonObject {
  const secret = findSecret(engine.state, nameOrId);
  return {
    ID: secret.id,
    CreatedAt: renderTime(secret.createdAtMs),
    UpdatedAt: renderTime(secret.updatedAtMs),
    Spec: {
      Name: secret.name,
      Driver: { Name: "file", Options: { path: secretFolder(engine) } },
      Labels: secret.labels,
    },
  };
}

/** Removes a secret; gives its id. Containers that were made with it keep the value. */
export function removeSecret(engine: Engine, nameOrId: string): string {
  const removed = engine.state.transaction(() => {
    const { id, name } = findSecret(engine.state, nameOrId);
    deleteSecret(engine.state, id);
    tell(engine, "remove", { id, name });
    return id;
  });
  sweepValues(engine);
  return removed;
}

/** The value of a secret. Throws with run's exit code: only containers ask for it. */
export function loadSecretValue(engine: Engine, nameOrId: string): Uint8Array {
  try {
    return readFileSync(join(secretFolder(engine), findSecret(engine.state, nameOrId).id));
  } catch (error) {
    if (error instanceof BockerError) throw error;
    throw new BockerError(`cannot read the value of secret "${nameOrId}"`, {
      kind: "corrupt",
      cause: error,
      exitCode: ExitCode.engine,
      hint: `bocker secret create --replace ${nameOrId} FILE`,
    });
  }
}

function secretFolder(engine: Engine): string {
  return engine.paths.secrets;
}

/** Removes the values that no row leads to; in a transaction of its own, where nobody is about to add the row. */
function sweepValues(engine: Engine): void {
  engine.state.transaction(() => {
    const known = new Set(listSecrets(engine.state).map(({ id }) => id));
    for (const name of readNames(secretFolder(engine))) {
      if (!known.has(name)) rmSync(join(secretFolder(engine), name), { force: true });
    }
  });
}

function readNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function tell(engine: Engine, action: string, { id, name }: Pick<SecretRecord, "id" | "name">): void {
  appendEvent(engine.state, { type: "secret", action, id, attributes: { name } });
}

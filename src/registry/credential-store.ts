/**
 * Puts credentials where docker looks for them: a helper where one is configured, else ~/.docker/config.json.
 *
 * The file is replaced whole, with mode 0600, and keeps every key that is not ours; its folder is locked meanwhile, so
 * that of two logins at once neither gets lost. Where it is a symbolic link, its target is replaced.
 */
import { closeSync, mkdirSync, openSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { flock } from "../../ffi/file.ts";
import { BockerError, messageOf } from "../errors.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import { type JsonObject, optionalObject, optionalString, parseJsonObject } from "../image/json-field.ts";
import type { Registry } from "../image/reference.ts";
import { dockerConfigFolder, keysFor, readConfig, runHelper } from "./credential.ts";

const LOCK_EX = 2;

export interface StoredCredential {
  /** The file that now holds the password in clear; undefined: a helper keeps it. */
  readonly clearIn?: string;
}

/** Remembers a password, in place of what was known for the registry. */
export function storeCredential(
  registry: Registry,
  account: { readonly username: string; readonly password: string },
  folder = dockerConfigFolder(),
): StoredCredential {
  const [key = registry] = keysFor(registry);
  const path = join(folder, "config.json");
  const { username, password } = account;
  return changeConfig(path, (config) => {
    const helper = helperFor(path, config, registry);
    const auths = optionalObject(`"${path}": auths`, config.auths) ?? {};
    if (helper === undefined) {
      const auth = Buffer.from(`${username}:${password}`).toString("base64");
      return [{ ...config, auths: { ...auths, [key]: { auth } } }, { clearIn: path }];
    }
    const entry = { ServerURL: key, Username: username, Secret: password };
    const { exitCode, stdout, stderr } = runHelper(helper, "store", JSON.stringify(entry));
    if (exitCode !== 0) {
      const said = `${stdout}${stderr}`.trim().slice(0, 300);
      throw new BockerError(`error storing credentials: docker-credential-${helper}: ${said}`, {
        kind: "host",
      });
    }
    return [{ ...config, auths: { ...auths, [key]: {} } }, {}];
  });
}

/** Forgets what is known for the registry, in the file and in its helper; nothing known is no error. */
export function eraseCredential(registry: Registry, folder = dockerConfigFolder()): void {
  const path = join(folder, "config.json");
  if (readConfig(path) === undefined) return;
  const keys = keysFor(registry).flatMap((key) =>
    key.startsWith("https://") ? [key] : [key, `http://${key}`, `https://${key}`],
  );
  changeConfig(path, (config) => {
    const helper = helperFor(path, config, registry);
    // Helpers answer an unknown key with an error that says no more than that.
    if (helper !== undefined) runHelper(helper, "erase", keys[0] ?? registry);
    const auths = optionalObject(`"${path}": auths`, config.auths) ?? {};
    const kept = Object.entries(auths).filter(([key]) => !keys.includes(key));
    if (kept.length === Object.keys(auths).length) return [undefined, undefined];
    return [{ ...config, auths: Object.fromEntries(kept) }, undefined];
  });
}

function helperFor(path: string, config: JsonObject, registry: Registry): string | undefined {
  const helpers = optionalObject(`"${path}": credHelpers`, config.credHelpers) ?? {};
  const own = keysFor(registry).find((key) => Object.hasOwn(helpers, key));
  const name =
    own === undefined
      ? optionalString(`"${path}": credsStore`, config.credsStore)
      : optionalString(`"${path}": credHelpers`, helpers[own]);
  return name === "" ? undefined : name;
}

/** Reads, changes and replaces the file under the lock of its folder; a change to undefined leaves it alone. */
function changeConfig<T>(
  path: string,
  change: (config: JsonObject) => readonly [JsonObject | undefined, T],
): T {
  const folder = join(path, "..");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new BockerError(`cannot make "${folder}": ${messageOf(cause)}`, { kind: "host", cause });
  }
  const lock = openSync(folder, "r");
  try {
    flock(lock, LOCK_EX);
    const text = readConfig(path);
    const [changed, result] = change(text === undefined ? {} : parseJsonObject(`"${path}"`, text));
    if (changed !== undefined) replace(path, text !== undefined, `${JSON.stringify(changed, null, "\t")}\n`);
    return result;
  } finally {
    closeSync(lock);
  }
}

function replace(path: string, isThere: boolean, text: string): void {
  try {
    writeFileAtomic(isThere ? realpathSync(path) : path, text, { mode: 0o600, durable: true });
  } catch (cause) {
    throw new BockerError(`cannot write "${path}": ${messageOf(cause)}`, { kind: "host", cause });
  }
}

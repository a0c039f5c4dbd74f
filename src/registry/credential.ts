/**
 * Credentials as docker keeps them: ~/.docker/config.json and its credential helpers.
 *
 * Order for one registry: its own helper (credHelpers), the store (credsStore), then `auths`. Nothing is cached on
 * disk and nothing is printed. Format:
 * https://docs.docker.com/reference/cli/docker/#configuration-files and
 * https://github.com/docker/docker-credential-helpers#usage
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BockerError, messageOf } from "../errors.ts";
import { type CommandResult, tryCommand } from "../host/run-command.ts";
import { type JsonObject, optionalObject, optionalString, parseJsonObject } from "../image/json-field.ts";
import { dockerHub, type Registry } from "../image/reference.ts";

export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, given to the token server. */
  | { readonly kind: "identity"; readonly token: string }
  /** A bearer token, given to the registry as it is. */
  | { readonly kind: "registry"; readonly token: string };

/** The key under which docker.io is kept, for reasons of history. */
const hubKey = "https://index.docker.io/v1/";

/** The folder of config.json: DOCKER_CONFIG, else ~/.docker. */
export function dockerConfigFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env.DOCKER_CONFIG || join(env.HOME || "/root", ".docker");
}

/** What the user's docker configuration knows about a registry, undefined when nothing. */
export function loadCredential(registry: Registry, folder = dockerConfigFolder()): Credential | undefined {
  const path = join(folder, "config.json");
  const text = readConfig(path);
  if (text === undefined) return undefined;
  const config = parseJsonObject(`"${path}"`, text);
  const helpers = optionalObject(`"${path}": credHelpers`, config.credHelpers) ?? {};
  for (const key of keysFor(registry)) {
    const helper = optionalString(`"${path}": credHelpers`, helpers[key]);
    const found = helper === undefined ? undefined : askHelper(helper, key);
    if (found !== undefined) return found;
  }
  const store = optionalString(`"${path}": credsStore`, config.credsStore);
  for (const key of store ? keysFor(registry) : []) {
    const found = askHelper(store ?? "", key);
    if (found !== undefined) return found;
  }
  return credentialFromAuths(optionalObject(`"${path}": auths`, config.auths) ?? {}, registry);
}

/** The entry of `auths` for a registry; keys may be hosts or URLs. Pure. */
export function credentialFromAuths(auths: JsonObject, registry: Registry): Credential | undefined {
  const wanted = keysFor(registry);
  const key =
    wanted.find((name) => Object.hasOwn(auths, name)) ??
    Object.keys(auths).find((name) => wanted.includes(hostOfKey(name)));
  if (key === undefined) return undefined;
  const entry = optionalObject(`auths["${key}"]`, auths[key]) ?? {};
  const text = (name: string) => optionalString(`auths["${key}"].${name}`, entry[name]) ?? "";
  if (text("identitytoken") !== "") return { kind: "identity", token: text("identitytoken") };
  if (text("registrytoken") !== "") return { kind: "registry", token: text("registrytoken") };
  return decodeAuth(key, text("auth")) ?? passwordOf(text("username"), text("password"));
}

function decodeAuth(key: string, auth: string): Credential | undefined {
  if (auth === "") return undefined;
  const decoded = Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
  const colon = decoded.indexOf(":");
  if (colon > 0) return passwordOf(decoded.slice(0, colon), decoded.slice(colon + 1));
  throw new BockerError(`invalid auth configuration file: auths["${key}"].auth holds no user:password`, {
    kind: "invalid-config",
  });
}

function passwordOf(username: string, password: string): Credential | undefined {
  return username === "" ? undefined : { kind: "password", username, password };
}

/** The keys under which a registry may be found, docker's own first. */
export function keysFor(registry: Registry): string[] {
  if (registry !== dockerHub) return [registry];
  return [hubKey, "index.docker.io", dockerHub, "registry-1.docker.io"];
}

function hostOfKey(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

/** The text of config.json; undefined: there is none. */
export function readConfig(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new BockerError(`cannot read "${path}": ${messageOf(error)}`, { kind: "host", cause: error });
  }
}

/** Runs `docker-credential-NAME VERB` with `input` and gives its result, whatever that is. */
export function runHelper(name: string, verb: "get" | "store" | "erase", input: string): CommandResult {
  if (!/^[A-Za-z0-9._-]+$/.test(name)) {
    throw new BockerError(`invalid credential helper "${name}"`, { kind: "invalid-config" });
  }
  return tryCommand([`docker-credential-${name}`, verb], { stdin: input });
}

/** "credentials not found" is no error. */
function askHelper(name: string, key: string): Credential | undefined {
  const program = `docker-credential-${name}`;
  const result = runHelper(name, "get", key);
  const said = (result.stdout + result.stderr).trim();
  if (result.exitCode !== 0) {
    if (/credentials not found|no credentials server URL/i.test(said)) return undefined;
    throw new BockerError(`cannot get credentials for "${key}": ${program}: ${said.slice(0, 300)}`, {
      kind: "unauthorized",
    });
  }
  const answer = parseJsonObject(`answer of ${program}`, result.stdout);
  const username = optionalString(`${program}: Username`, answer.Username) ?? "";
  const secret = optionalString(`${program}: Secret`, answer.Secret) ?? "";
  return username === "<token>" ? { kind: "identity", token: secret } : passwordOf(username, secret);
}

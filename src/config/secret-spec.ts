/**
 * `--secret NAME[,type=mount|env][,target=…][,uid=…][,gid=…][,mode=…]`, and back to text. Pure.
 *
 * Keys and phrases: podman's pkg/specgenutil/specgen.go, parseSecrets. The value is not here: it is copied into the
 * container's folder when the container is made (src/engine/container-secret.ts).
 */
import type { SecretConfig } from "./container-config.ts";
import { cleanPath } from "./mount-target.ts";
import { parseGoInt } from "./option-value.ts";

const defaultMode = 0o444;
const maxId = 0xffff_fffe;

type Field = readonly [key: string, value: string];

/** Throws Error(reason). */
export function parseSecret(text: string): SecretConfig {
  const words = text.split(",");
  const isNamed = words[0]?.includes("=") === false;
  const fields = new Map((isNamed ? words.slice(1) : words).map(readField));
  const name = (isNamed ? words[0] : fields.get("source")) ?? "";
  if (name === "") throw problem(`no source found ${text}`);
  const type = fields.get("type") ?? "mount";
  if (type === "mount") return mountedSecret(name, fields);
  if (type === "env") return variableSecret(name, fields);
  throw problem(`type ${type} is invalid`);
}

type Fields = ReadonlyMap<string, string>;

function mountedSecret(name: string, fields: Fields): SecretConfig {
  const [uid, gid, mode] = ["uid", "gid", "mode"].map((key) => fields.get(key));
  return {
    type: "mount",
    name,
    target: mountPath(fields.get("target") ?? name),
    uid: uid === undefined ? 0 : parseId("UID", uid),
    gid: gid === undefined ? 0 : parseId("GID", gid),
    mode: mode === undefined ? defaultMode : parseMode(mode),
  };
}

function variableSecret(name: string, fields: Fields): SecretConfig {
  if (["uid", "gid", "mode"].some((key) => fields.has(key))) {
    throw problem("UID, GID, Mode options cannot be set with secret type env");
  }
  const variable = fields.get("target") ?? name;
  if (variable === "" || variable.includes("=")) throw problem(`target ${variable} is no variable's name`);
  return { type: "env", name, variable };
}

const known = ["source", "type", "target", "uid", "gid", "mode"];

function readField(word: string): Field {
  const equals = word.indexOf("=");
  if (equals < 0) throw problem(`option ${word} must be in form option=value`);
  const key = word.slice(0, equals).replace(/^(UID|GID)$/, (name) => name.toLowerCase());
  if (!known.includes(key)) throw problem(`option ${key} invalid`);
  return [key, word.slice(equals + 1)];
}

/** A relative one lies in /run/secrets. */
function mountPath(target: string): string {
  const path = cleanPath(target.startsWith("/") ? target : `/run/secrets/${target}`);
  if (target === "" || path === "/") throw problem(`target ${target} is no file`);
  return path;
}

function parseId(what: string, text: string): number {
  const id = /^\d+$/.test(text) ? parseGoInt(text) : -1;
  if (id < 0 || id > maxId) throw problem(`${what} ${text} invalid`);
  return id;
}

function parseMode(text: string): number {
  if (!/^[0-7]{1,5}$/.test(text) || Number.parseInt(text, 8) > 0o7777) throw problem(`mode ${text} invalid`);
  return Number.parseInt(text, 8);
}

function problem(reason: string): Error {
  return new Error(`${reason}: error parsing secret`);
}

/** The word that parseSecret reads back. */
export function renderSecret(secret: SecretConfig): string {
  if (secret.type === "env") return `${secret.name},type=env,target=${secret.variable}`;
  const { name, target, uid, gid, mode } = secret;
  return [
    name,
    ...(target === `/run/secrets/${name}` ? [] : [`target=${target}`]),
    ...(uid === 0 ? [] : [`uid=${uid}`]),
    ...(gid === 0 ? [] : [`gid=${gid}`]),
    ...(mode === defaultMode ? [] : [`mode=${mode.toString(8).padStart(4, "0")}`]),
  ].join(",");
}

/**
 * `--secret` and `--ssh`: what RUN may see and no layer gets. Values are read once, before the build.
 * https://docs.docker.com/reference/cli/docker/buildx/build/#secret
 */
import { readFileSync, statSync } from "node:fs";
import { type CsvField, parseCsvFields } from "../../config/csv-fields.ts";
import { BockerError, messageOf } from "../../errors.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** docker's limit. */
const maxSecretBytes = 500 * 1024;

/** By id. Throws kind `usage` for a word that says nothing, `not-found` for a file or variable that is not there. */
export function readSecrets(words: readonly string[], env: Environment): ReadonlyMap<string, Uint8Array> {
  return new Map(words.map((word) => readSecret(word, env)));
}

function readSecret(word: string, env: Environment): readonly [string, Uint8Array] {
  const values = new Map<string, string>();
  for (const { key, value, text } of fieldsOf(word)) {
    if (value === undefined) throw refuse(`invalid field '${text}' must be a key=value pair`);
    if (!["type", "id", "source", "src", "env"].includes(key)) {
      throw refuse(`unexpected key '${key}' in '${text}'`, "fields of --secret are id, src, env and type");
    }
    values.set(key === "source" ? "src" : key, value);
  }
  const type = values.get("type") ?? "";
  if (!["", "file", "env"].includes(type)) throw refuse(`unsupported secret type ${JSON.stringify(type)}`);
  const id = values.get("id") ?? "";
  if (id === "") throw refuse(`invalid secret ${JSON.stringify(word)}: id is missing`);
  return [id, secretOf(id, type, values, env)];
}

/** Without a source it is a variable of the id's name, or else a file of it. */
function secretOf(
  id: string,
  type: string,
  values: ReadonlyMap<string, string>,
  env: Environment,
): Uint8Array {
  const path = values.get("src");
  const variable = values.get("env") ?? (type === "env" ? (path ?? id) : undefined);
  if (variable !== undefined) {
    const value = env[variable];
    if (value !== undefined) return Buffer.from(value);
    throw new BockerError(`secret ${id}: the variable ${variable} is not set`, { kind: "not-found" });
  }
  if (path !== undefined) return readSecretFile(id, path);
  const value = type === "file" ? undefined : env[id];
  return value === undefined ? readSecretFile(id, id) : Buffer.from(value);
}

function readSecretFile(id: string, path: string): Uint8Array {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new BockerError(`failed to stat ${path}: stat ${path}: no such file or directory`, {
      kind: "not-found",
      hint: `it is the source of the secret ${id}`,
    });
  }
  if (stat.isDirectory()) throw refuse(`secret ${id}: ${path} is a directory`);
  const bytes = readFileSync(path);
  if (bytes.byteLength <= maxSecretBytes) return bytes;
  throw refuse(`invalid secret size: ${id}: ${bytes.byteLength} bytes, and ${maxSecretBytes} at most`);
}

/** Sockets of agents, by id. `--ssh default` is the one of SSH_AUTH_SOCK. */
export function readAgents(words: readonly string[], env: Environment): ReadonlyMap<string, string> {
  return new Map(
    words.map((word) => {
      const equals = word.indexOf("=");
      const id = equals < 0 ? word : word.slice(0, equals);
      const path = equals < 0 ? env.SSH_AUTH_SOCK : word.slice(equals + 1);
      if (id === "") throw refuse(`invalid ssh agent ${JSON.stringify(word)}: id is missing`);
      if (path === undefined || path === "") {
        throw refuse(
          "invalid empty ssh agent socket, make sure SSH_AUTH_SOCK is set",
          'start one with: eval "$(ssh-agent)"',
        );
      }
      return [id, checkSocket(path)] as const;
    }),
  );
}

function checkSocket(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new BockerError(`failed to open ssh agent socket ${path}: no such file or directory`, {
      kind: "not-found",
    });
  }
  if (stat.isSocket()) return path;
  throw new BockerError(`${path} is no socket of an ssh agent`, {
    kind: "unsupported",
    hint: "key files are not read here: load the key into an agent with ssh-add, and name the agent's socket",
  });
}

function fieldsOf(word: string): readonly CsvField[] {
  try {
    return parseCsvFields(word);
  } catch (error) {
    throw refuse(`invalid secret ${JSON.stringify(word)}: ${messageOf(error)}`);
  }
}

function refuse(message: string, hint?: string): BockerError {
  return new BockerError(message, { kind: "usage", ...(hint === undefined ? {} : { hint }) });
}

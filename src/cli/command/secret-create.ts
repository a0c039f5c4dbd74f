import { closeSync, openSync, readSync } from "node:fs";
import { createSecret, maxSecretBytes } from "../../engine/secret.ts";
import { BockerError, messageOf } from "../../errors.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { keyValues } from "../key-value.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { UsageError } from "../usage-error.ts";

const standardInputFd = 0;

/** `bocker secret create`: keeps a value that containers may be given; podman's form. */
export const command: CommandSpec = {
  name: "secret create",
  summary: "Create a new secret",
  usage: "[OPTIONS] NAME FILE|-",
  options: [
    { name: "driver", short: "d", kind: "string", help: "Specify secret driver", defaultText: '"file"' },
    { name: "env", kind: "boolean", help: "Take the value of the environment variable FILE" },
    { name: "label", short: "l", kind: "list", help: "Set metadata on a secret" },
    { name: "replace", kind: "boolean", help: "If a secret with the same name exists, replace it" },
  ],
  example: "printf %s s3cret | bocker secret create db-password -",
  minArguments: 1,
  maxArguments: 2,
  async run(context, parsed) {
    const [name = ""] = parsed.positionals;
    const driver = parsed.string("driver") ?? "file";
    if (driver !== "file") {
      throw new BockerError(`secret driver ${JSON.stringify(driver)} not found`, {
        kind: "not-found",
        hint: "file is the only driver",
      });
    }
    const value = readValue(context, parsed);
    const engine = await openEngineFor(context);
    const labels = keyValues(parsed.list("label"));
    const id = createSecret(engine, { name, value, labels, replace: parsed.boolean("replace") });
    context.out.write(`${id}\n`);
    return 0;
  },
};

/** From a file, from standard input, or from a variable; not from argv, which everybody can read. */
function readValue({ env }: CommandContext, parsed: ParsedArguments): Uint8Array {
  const [, source] = parsed.positionals;
  if (source === undefined) throw new UsageError("requires 2 arguments", "arguments");
  if (parsed.boolean("env")) {
    const value = env[source];
    if (value !== undefined) return Buffer.from(value);
    throw new BockerError(`cannot create store secret data: environment variable ${source} is not set`, {
      kind: "not-found",
    });
  }
  return source === "-" ? readAll(standardInputFd) : readFile(source);
}

function readFile(path: string): Uint8Array {
  try {
    const fd = openSync(path, "r");
    try {
      return readAll(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new BockerError(`cannot read the secret from "${path}": ${messageOf(error)}`, {
      kind: "not-found",
      cause: error,
    });
  }
}

/** At most as many bytes as are too many. */
function readAll(fd: number): Uint8Array {
  const bytes = new Uint8Array(maxSecretBytes);
  let length = 0;
  while (length < bytes.length) {
    const count = readSync(fd, bytes, length, bytes.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

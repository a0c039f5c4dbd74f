/**
 * A container's TOML file as a layer of options: every long flag of run is a key there. See option-schema.ts for the
 * types and render-container-toml.ts for the way back.
 */
import { resolve } from "node:path";
import { ExitCode } from "../errors.ts";
import { containerTableSchema, rawOptionsOf } from "./option-schema.ts";
import type { RawOptions } from "./option-spec.ts";
import type { OptionHost } from "./run-option.ts";
import { tomlOptions } from "./run-options.ts";
import { parseTomlDocument, readTomlFile } from "./toml-document.ts";
import type { TomlPath } from "./toml-position.ts";

/** Reads `bocker run -f PATH`'s file. Throws BockerError with file, line and column of every problem. */
export function loadContainerToml(path: string, host: OptionHost): RawOptions {
  const absolute = resolve(host.cwd, path);
  const text = readTomlFile(absolute, host.readFile, { exitCode: ExitCode.engine });
  return parseContainerToml(text, path, host);
}

/** The same from text; `path` is for messages. */
export function parseContainerToml(text: string, path: string, host: OptionHost): RawOptions {
  const schema = containerTableSchema(host);
  const known = (at: TomlPath) => (at.length === 0 ? [...tomlOptions().keys()] : undefined);
  return rawOptionsOf(parseTomlDocument(text, path, schema, known, { exitCode: ExitCode.engine }));
}

/**
 * ContainerConfig → the TOML file that makes the same container again: `inspect --format toml`. Pure, and without
 * smol-toml, so that writing a container's file costs a start nothing.
 */
import type { ContainerConfig } from "./container-config.ts";
import type { TomlValue } from "./run-option.ts";
import { tomlOptions } from "./run-options.ts";

/** Only what was asked: an option at its default has no line. parse(render(config)) is config. */
export function renderContainerToml(config: ContainerConfig): string {
  const lines: string[] = [];
  const tables: string[] = [];
  for (const [name, option] of tomlOptions()) {
    const value = option.render(config);
    if (value === undefined) continue;
    if (isTable(value)) tables.push(`\n[${name}]\n${renderTable(value)}`);
    else lines.push(`${name} = ${renderValue(value)}\n`);
  }
  return [...lines, ...tables].join("");
}

type Table = Readonly<Record<string, string>>;

function isTable(value: TomlValue): value is Table {
  return typeof value === "object" && !Array.isArray(value);
}

function renderTable(table: Table): string {
  const lines = Object.entries(table).map(([key, value]) => `${renderKey(key)} = ${renderString(value)}\n`);
  return lines.join("");
}

function renderValue(value: Exclude<TomlValue, Table>): string {
  if (typeof value === "string") return renderString(value);
  if (typeof value !== "object") return String(value);
  const words = value.map(renderString);
  const oneLine = `[${words.join(", ")}]`;
  return oneLine.length <= 100 || words.length <= 1
    ? oneLine
    : `[\n${words.map((word) => `  ${word},\n`).join("")}]`;
}

function renderKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : renderString(key);
}

/** A basic string: JSON's escapes are TOML's, and DEL must be escaped besides. */
function renderString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll("\u007f", "\\u007f");
}

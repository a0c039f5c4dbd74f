/**
 * How instructions change an image's process config, whoever applies them: `--change` of commit and import, and build. Pure.
 */
import type { ImageProcessConfig } from "./image-config.ts";
import type { KeySet } from "./json-field.ts";

/** A text as the command of the image's shell. */
export function behindShell(shell: ImageProcessConfig["Shell"], text: string): readonly string[] {
  return [...(shell ?? ["/bin/sh", "-c"]), text];
}

/** In place of a variable of that name, or at the end. */
export function withVariable(
  env: readonly string[],
  [name, value]: readonly [string, string],
): readonly string[] {
  const word = `${name}=${value}`;
  const at = env.findIndex((known) => known.split("=", 1)[0] === name);
  return at < 0 ? [...env, word] : env.with(at, word);
}

/** Ports or volumes with more of them. */
export function withKeys(keys: KeySet | undefined, names: readonly string[]): KeySet {
  return { ...keys, ...Object.fromEntries(names.map((name) => [name, {}])) };
}

/** As `cd` would go there; never above the root. */
export function absolutePath(path: string, from: string | undefined): string {
  const names: string[] = [];
  for (const name of (path.startsWith("/") ? path : `${from ?? "/"}/${path}`).split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}

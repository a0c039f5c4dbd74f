/** A host for option tests: files in memory, a fixed environment and working directory. */
import type { OptionHost } from "../../../src/config/run-option.ts";

export function memoryHost(
  files: Record<string, string | Uint8Array> = {},
  env: Record<string, string> = {},
): OptionHost {
  return {
    env,
    cwd: "/home/me",
    readFile(path) {
      const content = files[path];
      if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
      return typeof content === "string" ? new TextEncoder().encode(content) : content;
    },
  };
}

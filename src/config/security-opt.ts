/**
 * `--security-opt`: docker's words, checked, with a profile's path made absolute.
 *
 * What each of them does, and which cannot be honoured here, is src/spec's to say.
 */
import { resolve } from "node:path";
import { messageOf } from "../errors.ts";
import { findJsonError } from "../security/json-position.ts";
import { parseProcOptions } from "../security/proc-option.ts";
import { parseGoBoolean } from "./option-value.ts";
import type { OptionHost } from "./run-option.ts";

/** The word in its one spelling: `no-new-privileges`, `seccomp=/etc/p.json`. Throws Error(reason). */
export function parseSecurityOpt(text: string, host: OptionHost): string {
  const [, key = "", value = ""] = /^([^:=]*)[:=]?(.*)$/s.exec(text) ?? [];
  switch (key) {
    case "no-new-privileges":
      if (!/^(?:|[01tTfF]|TRUE|true|True|FALSE|false|False)$/.test(value)) break;
      return /^[0fF]/.test(value) ? `${key}=false` : key;
    case "seccomp":
      if (value === "unconfined" || value === "builtin") return `${key}=${value}`;
      if (value !== "") return `${key}=${checkProfile(value, host)}`;
      break;
    case "systempaths":
      if (value === "unconfined") return `${key}=${value}`;
      break;
    case "mask":
    case "unmask":
      return `${key}=${checkPaths(key, value)}`;
    case "proc-opts":
      if (parseProcOptions(value) !== undefined) return `${key}=${value}`;
      break;
    case "apparmor":
      if (value !== "") return `${key}=${value}`;
      break;
    case "writable-cgroups":
      return `${key}=${value === "" || parseGoBoolean(value)}`;
    case "label":
      if (value === "disable") return `${key}=${value}`;
      throw new Error(
        `cannot honour --security-opt ${JSON.stringify(text)}: SELinux labels are not supported`,
      );
  }
  throw new Error(`Invalid --security-opt: ${JSON.stringify(text)}`);
}

/** podman's `mask=/a:/b`, and `unmask=ALL` or with wildcards. */
function checkPaths(key: "mask" | "unmask", value: string): string {
  const paths = value.split(":");
  const wrong = paths.find((path) => !path.startsWith("/") && !(key === "unmask" && /^all$/i.test(path)));
  if (wrong !== undefined) throw new Error(`${key} path ${JSON.stringify(wrong)} is not an absolute path`);
  return value;
}

function checkProfile(given: string, host: OptionHost): string {
  const path = resolve(host.cwd, given);
  let bytes: Uint8Array;
  try {
    bytes = host.readFile(path);
  } catch (thrown) {
    throw new Error(`opening seccomp profile (${given}) failed: ${describeFileError(thrown, given)}`);
  }
  const text = new TextDecoder().decode(bytes);
  try {
    JSON.parse(text);
  } catch (thrown) {
    const at = findJsonError(text);
    const place = at === undefined ? "" : ` (line ${at.line}, column ${at.column})`;
    throw new Error(`compacting json for seccomp profile (${given}) failed: ${messageOf(thrown)}${place}`);
  }
  return path;
}

/** `open PATH: no such file or directory`, Go's words for the common codes. */
export function describeFileError(thrown: unknown, path: string): string {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const words: Readonly<Record<string, string>> = {
    ENOENT: "no such file or directory",
    EACCES: "permission denied",
    EISDIR: "is a directory",
    ENOTDIR: "not a directory",
    EFBIG: "file too large",
  };
  return `open ${path}: ${words[code] ?? messageOf(thrown)}`;
}

/**
 * --security-opt: docker's words to what they switch.
 *
 * Pure. A seccomp FILE is named here and read by the engine. An option that bocker can't carry out is an error, never
 * dropped.
 */
import { BockerError } from "../errors.ts";
import { parseProcOptions } from "../security/proc-option.ts";

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** `default`: nothing was said, and --privileged means none; `builtin`: asked for; or the path of a profile. */
  readonly seccomp: "default" | "builtin" | "unconfined" | { readonly file: string };
  /** False: no masked and no read-only paths. */
  readonly systemPathsConfined: boolean;
  readonly writableCgroups: boolean;
  /** Paths to hide as well. */
  readonly mask: readonly string[];
  /** Paths or patterns of what is neither hidden nor read-only; `ALL`: nothing is. */
  readonly unmask: readonly string[];
  /** Options of /proc after the usual ones, which they may take back. */
  readonly proc: readonly string[];
  /** A profile's name; absent: docker's default for the host. */
  readonly apparmor?: string;
}

/** Later words win, lists add up. Both separators docker takes, `=` and the old `:`. */
export function parseSecurityOptions(words: readonly string[]): SecurityOptions {
  let options: SecurityOptions = {
    noNewPrivileges: false,
    seccomp: "default",
    systemPathsConfined: true,
    writableCgroups: false,
    mask: [],
    unmask: [],
    proc: [],
  };
  for (const word of words) {
    const { mask = [], unmask = [], ...change } = parseOption(word);
    options = {
      ...options,
      ...change,
      mask: [...options.mask, ...mask],
      unmask: [...options.unmask, ...unmask],
    };
  }
  return options;
}

function parseOption(word: string): Partial<SecurityOptions> {
  const separator = /[=:]/.exec(word)?.index ?? word.length;
  const name = word.slice(0, separator);
  const value = separator === word.length ? undefined : word.slice(separator + 1);
  switch (name) {
    case "no-new-privileges":
      return { noNewPrivileges: value === undefined || parseBoolean(value, word) };
    case "seccomp":
      return { seccomp: seccompOption(value, word) };
    case "systempaths":
      if (value !== "unconfined") throw invalid(word);
      return { systemPathsConfined: false };
    case "writable-cgroups":
      return { writableCgroups: value === undefined || parseBoolean(value, word) };
    case "apparmor":
      if (!value) throw invalid(word);
      return { apparmor: value };
    case "mask":
    case "unmask":
      return { [name]: parsePaths(value, word) };
    case "proc-opts": {
      const proc = parseProcOptions(value ?? "");
      if (proc === undefined) throw invalid(word);
      return { proc };
    }
    case "label":
      if (value === "disable") return {};
      throw unsupported(word, "bocker sets no SELinux labels");
    default:
      throw invalid(word);
  }
}

function seccompOption(value: string | undefined, word: string): SecurityOptions["seccomp"] {
  if (!value) throw invalid(word);
  if (value === "unconfined" || value === "builtin" || value === "default") return value;
  return { file: value };
}

/** `/a:/b`, or ALL where that makes sense. */
function parsePaths(value: string | undefined, word: string): readonly string[] {
  const paths = (value ?? "").split(":").filter((path) => path !== "");
  const isPath = (path: string) => path.startsWith("/") || (word.startsWith("un") && /^all$/i.test(path));
  if (paths.length === 0 || !paths.every(isPath)) throw invalid(word);
  return paths;
}

/** Go's ParseBool. */
function parseBoolean(value: string, word: string): boolean {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(value)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(value)) return false;
  throw invalid(word);
}

function invalid(word: string): BockerError {
  return new BockerError(`invalid --security-opt: "${word}"`, {
    kind: "invalid-config",
    hint: "known: no-new-privileges, seccomp=FILE|unconfined, apparmor=NAME, label=disable, mask=PATH, unmask=PATH|ALL, proc-opts=OPTIONS, systempaths=unconfined, writable-cgroups",
  });
}

function unsupported(word: string, reason: string): BockerError {
  return new BockerError(`cannot apply --security-opt "${word}": ${reason}`, { kind: "unsupported" });
}

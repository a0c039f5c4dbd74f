/**
 * Options of run and create about the process: its image, words, environment, user and names.
 */
import { resolve } from "node:path";
import { EngineRefusal } from "../engine-refusal.ts";
import { parseEnvFile } from "../env-file.ts";
import { parseRestart, renderRestart } from "../restart-spec.ts";
import {
  booleanOption,
  intOption,
  listOption,
  manyWords,
  mapOption,
  member,
  type OptionHost,
  type RunOption,
  stringOption,
  wordMember,
} from "../run-option.ts";
import { describeFileError } from "../security-opt.ts";
import { parseWordList, splitWords } from "../split-words.ts";
import { checkContainerName, checkHostname, checkSignal } from "../value-check.ts";

export const processOptions: readonly RunOption[] = [
  stringOption(
    { name: "image", help: "Image to run; what follows is the command", check: checkNotEmpty },
    ...member("image"),
  ),
  {
    ...stringOption(
      { name: "command", help: "Command of the container, split into words", toml: "words" },
      () => {},
    ),
    apply: (draft, raw) => {
      draft.config.command = typeof raw === "string" ? splitWords(raw) : manyWords(raw);
    },
    render: (config) => (config.command.length === 0 ? undefined : config.command),
  },
  {
    ...stringOption(
      {
        name: "entrypoint",
        help: "Overwrite the default ENTRYPOINT of the image; a JSON list is several words",
        toml: "words",
      },
      () => {},
    ),
    apply: (draft, raw) => {
      draft.config.entrypoint = typeof raw === "string" ? entrypointWords(raw) : manyWords(raw);
    },
    render: (config) => config.entrypoint,
  },
  stringOption(
    { name: "name", help: "Assign a name to the container" },
    ...wordMember("name", checkContainerName),
  ),
  // Two engines say -n for the name, one for the network; docker has neither. See src/cli/command/run.ts.
  stringOption(
    { name: "short-name", short: "n", help: "", hidden: true, toml: "none", scope: "client" },
    (draft, name) => {
      if (name === "") return;
      draft.config.name = checkContainerName(name);
      draft.client.shortName = name;
    },
  ),
  {
    ...listOption({ name: "env-file", help: "Read in a file of environment variables" }, () => {}),
    expand: { into: "env", read: (paths, host) => readFiles(paths, host, (name) => host.env[name]) },
  },
  listOption(
    { name: "env", short: "e", help: "Set environment variables", toml: "map", check: checkEnv },
    (draft, words, host) => {
      draft.config.env = words.flatMap((word) => resolveEnv(word, host));
      // docker takes a variable that has no value here away from the container.
      const absent = words.filter((word) => !word.includes("=") && host.env[word] === undefined);
      if (absent.length > 0) draft.config.unsetEnv = absent;
    },
    (config) => config.env,
  ),
  booleanOption(
    { name: "env-host", help: "Use all current host environment variables in container", toml: "none" },
    (draft, value, host) => {
      if (!value) return;
      const all = Object.entries(host.env).flatMap(([name, text]) =>
        text === undefined ? [] : [`${name}=${text}`],
      );
      draft.config.env = [...all, ...draft.config.env];
    },
  ),
  listOption(
    { name: "unsetenv", help: "Unset environment default variables in container", check: checkNotEmpty },
    (draft, names) => {
      draft.config.unsetEnv = [...(draft.config.unsetEnv ?? []), ...names];
    },
    (config) => (config.unsetEnv === "all" ? undefined : config.unsetEnv),
  ),
  booleanOption(
    { name: "unsetenv-all", help: "Unset all default environment variables in container" },
    (draft, value) => {
      if (value) draft.config.unsetEnv = "all";
    },
    (config) => config.unsetEnv === "all",
  ),
  stringOption(
    { name: "workdir", short: "w", help: "Working directory inside the container" },
    (draft, workdir) => {
      if (workdir !== "" && !workdir.startsWith("/")) {
        throw new EngineRefusal(
          `the working directory '${workdir}' is invalid, it needs to be an absolute path`,
        );
      }
      if (workdir !== "") draft.config.workdir = workdir;
    },
    (config) => config.workdir,
  ),
  stringOption(
    { name: "user", short: "u", help: "Username or UID (format: <name|uid>[:<group|gid>])" },
    ...wordMember("user"),
  ),
  listOption(
    { name: "group-add", help: "Add additional groups to join", check: checkNotEmpty },
    ...member("groupAdd"),
  ),
  stringOption(
    { name: "hostname", short: "h", help: "Container host name" },
    ...wordMember("hostname", checkHostname),
  ),
  stringOption(
    { name: "domainname", help: "Container NIS domain name" },
    ...wordMember("domainname", checkHostname),
  ),
  {
    ...listOption({ name: "label-file", help: "Read in a line delimited file of labels" }, () => {}),
    expand: { into: "label", read: (paths, host) => readFiles(paths, host, () => "") },
  },
  mapOption(
    {
      name: "label",
      short: "l",
      placeholder: "list",
      help: "Set meta data on a container",
      check: checkLabel,
    },
    ...member("labels"),
  ),
  mapOption(
    {
      name: "annotation",
      help: "Add an annotation to the container (passed through to the OCI runtime)",
      check: checkLabel,
    },
    ...member("annotations"),
  ),
  booleanOption(
    { name: "interactive", short: "i", help: "Keep STDIN open even if not attached" },
    ...member("interactive"),
  ),
  booleanOption({ name: "tty", short: "t", help: "Allocate a pseudo-TTY" }, ...member("tty")),
  booleanOption(
    {
      name: "rm",
      help: "Automatically remove the container and its associated anonymous volumes when it exits",
    },
    ...member("autoRemove"),
  ),
  stringOption(
    {
      name: "restart",
      help: "Restart policy to apply when a container exits",
      defaultText: "no",
    },
    (draft, text) => {
      const restart = parseRestart(text);
      if (restart === undefined) delete draft.config.restart;
      else draft.config.restart = restart;
    },
    (config) => renderRestart(config.restart),
  ),
  booleanOption(
    { name: "init", help: "Run an init inside the container that forwards signals and reaps processes" },
    ...member("init"),
  ),
  stringOption(
    { name: "stop-signal", help: "Signal to stop the container" },
    ...wordMember("stopSignal", checkSignal),
  ),
  stringOption(
    { name: "umask", help: "Set umask in container" },
    (draft, text) => {
      if (!/^[0-7]{1,4}$/.test(text)) throw new Error(`invalid umask: "${text}": must be an octal number`);
      draft.config.umask = Number.parseInt(text, 8);
    },
    (config) => config.umask?.toString(8).padStart(4, "0"),
  ),
  stringOption(
    { name: "tz", help: "Set timezone in container ('local' for the host's)" },
    (draft, zone) => {
      if (zone === "") return;
      if (!/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/.test(zone)) throw new Error(`invalid timezone: "${zone}"`);
      draft.config.timeZone = zone;
    },
    (config) => config.timeZone,
  ),
  stringOption(
    { name: "pidfile", help: "Write the container process ID to the file" },
    (draft, path, host) => {
      if (path !== "") draft.config.pidFile = resolve(host.cwd, path);
    },
    (config) => config.pidFile,
  ),
  intOption(
    { name: "stop-timeout", help: "Timeout (in seconds) to stop a container" },
    (draft, seconds) => {
      if (seconds < -1) throw new EngineRefusal(`invalid stop timeout: ${seconds}`);
      draft.config.stopTimeout = seconds;
    },
    (config) => config.stopTimeout,
  ),
  intOption(
    {
      name: "timeout",
      help: "Maximum time in seconds that a container is allowed to run, then it is killed",
    },
    (draft, seconds) => {
      if (seconds < 0) throw new Error(`invalid timeout: ${seconds}`);
      if (seconds > 0) draft.config.timeoutSeconds = seconds;
    },
    (config) => config.timeoutSeconds,
  ),
];

function checkNotEmpty(text: string): void {
  if (text === "") throw new Error("must not be empty");
}

function checkEnv(word: string): void {
  if (word === "" || word.startsWith("=")) throw new Error(`invalid environment variable: ${word}`);
}

/** A bare name takes the value it has here, and is left out when it has none. */
function resolveEnv(word: string, host: OptionHost): readonly string[] {
  if (word.includes("=")) return [word];
  const value = host.env[word];
  return value === undefined ? [] : [`${word}=${value}`];
}

function checkLabel(word: string): void {
  if (splitAtEquals(word)[0] === "") throw new Error(`invalid label '${word}': empty name`);
}

function splitAtEquals(word: string): [string, string] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, ""] : [word.slice(0, equals), word.slice(equals + 1)];
}

function readFiles(
  paths: readonly string[],
  host: OptionHost,
  lookUp: (name: string) => string | undefined,
): readonly string[] {
  return paths.flatMap((path) => {
    let bytes: Uint8Array;
    try {
      bytes = host.readFile(resolve(host.cwd, path));
    } catch (thrown) {
      throw new Error(describeFileError(thrown, path));
    }
    return parseEnvFile(bytes, path, lookUp);
  });
}

/** One word, none for the empty text; podman's users write several as a JSON list. */
function entrypointWords(text: string): readonly string[] {
  return text === "" ? [] : (parseWordList(text) ?? [text]);
}

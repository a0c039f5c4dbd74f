/**
 * Options of run and create about getting the image, and about this side of the container.
 */
import { resolve } from "node:path";
import { parsePlatform } from "../../image/platform.ts";
import type { StandardStream } from "../client-options.ts";
import { parseDetachKeys } from "../detach-keys.ts";
import { booleanOption, listOption, type RunOption, stringOption } from "../run-option.ts";

export const clientOptions: readonly RunOption[] = [
  stringOption(
    {
      name: "pull",
      help: 'Pull image before running ("always", "missing", "never")',
      defaultText: '"missing"',
    },
    (draft, policy) => {
      if (policy !== "always" && policy !== "missing" && policy !== "never") {
        throw new Error(`invalid pull option: '${policy}': must be one of "always", "missing" or "never"`);
      }
      draft.config.pull = policy;
    },
    (config) => (config.pull === "missing" ? undefined : config.pull),
  ),
  stringOption(
    { name: "platform", help: "Set platform if server is multi-platform capable" },
    (draft, platform) => {
      if (platform === "") return;
      parsePlatform(platform);
      draft.config.platform = platform;
    },
    (config) => config.platform,
  ),
  booleanOption(
    {
      name: "detach",
      short: "d",
      scope: "client",
      help: "Run container in background and print container ID",
    },
    (draft, value) => {
      draft.client.detach = value;
    },
  ),
  stringOption(
    { name: "cidfile", scope: "client", help: "Write the container ID to the file" },
    (draft, path, host) => {
      if (path !== "") draft.client.cidfile = resolve(host.cwd, path);
    },
  ),
  {
    ...booleanOption(
      {
        name: "sig-proxy",
        scope: "client",
        help: "Proxy received signals to the process",
        defaultText: "true",
      },
      (draft, value) => {
        draft.client.sigProxy = value;
      },
    ),
  },
  stringOption(
    { name: "detach-keys", scope: "client", help: "Override the key sequence for detaching a container" },
    (draft, keys) => {
      if (keys === "") return;
      parseDetachKeys(keys);
      draft.client.detachKeys = keys;
    },
  ),
  listOption(
    {
      name: "attach",
      short: "a",
      scope: "client",
      help: "Attach to STDIN, STDOUT or STDERR",
      check: parseStream,
    },
    (draft, words) => {
      draft.client.attach = words.map(parseStream);
    },
  ),
  booleanOption(
    { name: "quiet", short: "q", scope: "client", help: "Suppress the pull output" },
    (draft, value) => {
      draft.client.quiet = value;
    },
  ),
  booleanOption(
    {
      name: "replace",
      scope: "client",
      help: "If a container with the same name exists, replace it",
    },
    (draft, value) => {
      draft.client.replace = value;
    },
  ),
  booleanOption(
    {
      name: "dry-run",
      scope: "client",
      toml: "none",
      help: "Print every command and syscall in order, and change nothing",
    },
    (draft, value) => {
      draft.client.dryRun = value;
    },
  ),
];

function parseStream(text: string): StandardStream {
  const stream = text.toLowerCase();
  if (stream === "stdin" || stream === "stdout" || stream === "stderr") return stream;
  throw new Error("valid streams are STDIN, STDOUT and STDERR");
}

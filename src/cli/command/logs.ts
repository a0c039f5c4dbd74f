import { type ContainerLog, containerLog } from "../../engine/container-logs.ts";
import type { Engine } from "../../engine/engine.ts";
import { loadContainer } from "../../engine/find-container.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { copyLogs } from "../log-output.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { shortId } from "../table.ts";
import { parseTimeOption } from "../time-option.ts";

/** `bocker logs`: what containers wrote, stdout and stderr apart. Several at once, --names and --color are podman's. */
export const command: CommandSpec = {
  name: "logs",
  aliases: ["container logs"],
  summary: "Fetch the logs of a container",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: [
    { name: "color", kind: "boolean", help: "Colour the containers' names where several are shown" },
    { name: "details", kind: "boolean", help: "Show extra details provided to logs" },
    { name: "follow", short: "f", kind: "boolean", help: "Follow log output" },
    { name: "names", kind: "boolean", help: "Show names instead of IDs where several containers are shown" },
    {
      name: "since",
      kind: "string",
      help: 'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    },
    {
      name: "tail",
      short: "n",
      kind: "string",
      defaultText: '"all"',
      help: "Number of lines to show from the end of the logs",
    },
    { name: "timestamps", short: "t", kind: "boolean", help: "Show timestamps" },
    {
      name: "until",
      kind: "string",
      help: 'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    },
  ],
  example: "bocker logs -f --tail 10 web",
  minArguments: 1,
  run: showLogs,
};

async function showLogs(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const engine = await openEngineFor(context);
  const { names, tail } = await namesAndTail(context, engine, parsed);
  const since = parseTimeOption("since", parsed.string("since"));
  const until = parseTimeOption("until", parsed.string("until"));
  const request = {
    follow: parsed.boolean("follow"),
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
  const logs = await Promise.all(names.map((name) => containerLog(engine, name, request)));
  const isReadAsTail = names.length !== parsed.positionals.length;
  const style = {
    timestamps: parsed.boolean("timestamps") && !isReadAsTail,
    details: parsed.boolean("details"),
  };
  const isAlone = logs.length === 1;
  const prefixOf = (log: ContainerLog, index: number): string => {
    const title = parsed.boolean("names") ? log.name : shortId(log.id);
    return `${parsed.boolean("color") ? coloured(title, index) : title} `;
  };
  const shown = logs.map((log, index) => ({
    log,
    style: isAlone ? style : { ...style, prefix: prefixOf(log, index) },
  }));
  await copyLogs(shown, request.follow);
  return 0;
}

/** `logs -t 10 NAME` is how another engine asks for the last lines; docker's -t takes no value. */
async function namesAndTail(
  { err }: CommandContext,
  engine: Engine,
  parsed: ParsedArguments,
): Promise<{ readonly names: readonly string[]; readonly tail: number | undefined }> {
  const names = parsed.positionals;
  const tail = tailOf(parsed.string("tail"));
  const [first = "", ...others] = names;
  const isAsked = parsed.boolean("timestamps") && !parsed.has("tail") && names.length === 2;
  if (!isAsked || !/^\d{1,9}$/.test(first) || (await isContainer(engine, first))) return { names, tail };
  err.write(`reading -t ${first} as --tail ${first}; -t alone shows timestamps\n`);
  return { names: others, tail: Number(first) };
}

/** By its name: a number is soon the beginning of an id. */
async function isContainer(engine: Engine, name: string): Promise<boolean> {
  try {
    await loadContainer(engine, `/${name}`);
    return true;
  } catch {
    return false;
  }
}

/** The terminal's colours but black, red and white, one after the other. */
function coloured(title: string, index: number): string {
  const colours = [32, 33, 34, 35, 36];
  return `\x1b[${colours[index % colours.length]}m${title}\x1b[0m`;
}

/** docker takes anything that is no number as "all". */
function tailOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d+$/.test(text)) return undefined;
  const count = Number(text);
  return count < 0 ? undefined : count;
}

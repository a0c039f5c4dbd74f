import { containerLog } from "../../engine/container-logs.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { copyLog } from "../log-output.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { parseTimeOption } from "../time-option.ts";

/** `bocker logs`: what a container wrote, stdout and stderr apart. */
export const command: CommandSpec = {
  name: "logs",
  aliases: ["container logs"],
  summary: "Fetch the logs of a container",
  usage: "[OPTIONS] CONTAINER",
  options: [
    { name: "follow", short: "f", kind: "boolean", help: "Follow log output" },
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
  maxArguments: 1,
  run: showLogs,
};

async function showLogs(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const engine = await openEngineFor(context);
  const tail = tailOf(parsed.string("tail"));
  const since = parseTimeOption("since", parsed.string("since"));
  const until = parseTimeOption("until", parsed.string("until"));
  const batches = await containerLog(engine, parsed.positionals[0] ?? "", {
    follow: parsed.boolean("follow"),
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  });
  await copyLog(batches, { timestamps: parsed.boolean("timestamps") });
  return 0;
}

/** docker takes anything that is no number as "all". */
function tailOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d+$/.test(text)) return undefined;
  const count = Number(text);
  return count < 0 ? undefined : count;
}

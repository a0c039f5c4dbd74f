import { attachSocketOf, logPathOf } from "../../engine/container-paths.ts";
import type { Engine } from "../../engine/engine.ts";
import { loadContainer } from "../../engine/find-container.ts";
import { BockerError } from "../../errors.ts";
import { readLog } from "../../monitor/log-reader.ts";
import type { ContainerRecord } from "../../state/record.ts";
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
  const record = await loadContainer(engine, parsed.positionals[0] ?? "");
  if (record.config.log.driver === "none") {
    throw new BockerError("configured logging driver does not support reading", { kind: "unsupported" });
  }
  const tail = tailOf(parsed.string("tail"));
  const since = parseTimeOption("since", parsed.string("since"));
  const until = parseTimeOption("until", parsed.string("until"));
  const ended = parsed.boolean("follow") ? endOf(engine, record) : undefined;
  const batches = readLog(logPathOf(engine.paths, record.id), {
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(ended === undefined ? {} : { followUntil: ended }),
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

/** Kept when the container has ended: its monitor closes the connection. One that does not run has ended. */
async function endOf(engine: Engine, record: ContainerRecord): Promise<void> {
  if (record.init === undefined) return;
  const { connectAttach } = await import("../../monitor/connect-attach.ts");
  const session = await connectAttach(attachSocketOf(engine.paths, record.id), {
    stdin: false,
    stdout: false,
    stderr: false,
  });
  await session.run(() => undefined);
}

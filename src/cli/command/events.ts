import { type EventRecord, watchEvents } from "../../engine/watch-events.ts";
import { BockerError, ExitCode } from "../../errors.ts";
import { nowMs } from "../../host/clock.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { eventFields, eventFilters, eventObject, matchesEvent, renderEvent } from "../event-text.ts";
import { filterOption, parseFilters } from "../filter-option.ts";
import type { Format } from "../format.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { shownInLine } from "../printable.ts";
import { parseTimeOption } from "../time-option.ts";

const badTemplate = 64;

/** What a template is tried with. */
const noEvent: EventRecord = {
  number: 0,
  timeMs: 0,
  type: "container",
  action: "",
  id: "0".repeat(64),
  attributes: {},
};

/** `bocker events`: what happens to containers, images, volumes and networks, as it happens. */
export const command: CommandSpec = {
  name: "events",
  aliases: ["system events"],
  summary: "Get real time events from the server",
  usage: "[OPTIONS]",
  options: [
    filterOption("Filter output based on conditions provided"),
    { name: "format", kind: "string", help: "Format output: 'json', or a Go template" },
    { name: "since", kind: "string", help: "Show all events created since timestamp" },
    {
      name: "stream",
      kind: "boolean",
      help: "Wait for more events; without it, what is known is shown, from the beginning or --since",
      defaultText: "true",
    },
    { name: "until", kind: "string", help: "Stream events until this timestamp" },
  ],
  example: "bocker events --since 10m --filter event=die",
  maxArguments: 0,
  run: show,
};

async function show(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const filters = parseFilters(parsed.list("filter"), eventFilters);
  const streams = !parsed.has("stream") || parsed.boolean("stream");
  const sinceMs = parseTimeOption("since", parsed.string("since")) ?? (streams ? undefined : 0);
  const asked = parseTimeOption("until", parsed.string("until"));
  const untilMs = streams ? asked : Math.min(asked ?? Number.POSITIVE_INFINITY, nowMs());
  const format = parsed.string("format");
  const render = await rendererOf(format);
  // A template may colour its lines; nobody else's words may.
  const shown =
    format === undefined || format === "" ? (text: string) => shownInLine(context.out, text) : String;
  const engine = await openEngineFor(context);
  const window = {
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
  };
  for await (const batch of watchEvents(engine, window)) {
    const lines = batch
      .filter((event) => matchesEvent(filters, event))
      .map((event) => `${shown(render(event))}\n`);
    if (lines.length > 0) context.out.write(lines.join(""));
    if (context.out.isBroken) return ExitCode.brokenPipe;
  }
  return 0;
}

/** docker tries a template before it waits for anything, and has an exit code of its own for one that is wrong. */
async function rendererOf(format: string | undefined): Promise<(event: EventRecord) => string> {
  if (format === undefined || format === "") return renderEvent;
  if (format === "json") return (event) => JSON.stringify(eventObject(event));
  const [{ parseFormat }, { TemplateError }] = await Promise.all([
    import("../format.ts"),
    import("../template/template-error.ts"),
  ]);
  let template: Format;
  try {
    template = parseFormat(format, { typeName: "*events.Message" });
    template.render(eventFields(noEvent));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new BockerError(`Error parsing format: ${error.problem}`, { kind: "usage", exitCode: badTemplate });
  }
  return (event) =>
    format === "{{json .}}" ? JSON.stringify(eventObject(event)) : template.render(eventFields(event));
}

import { attachTo, loadAttachable } from "../../engine/attach-container.ts";
import { clientEventsOf } from "../../engine/client-events.ts";
import { checkInputTerminal, runAttached } from "../../terminal/run-attached.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { detachKeysOf, detachKeysOption } from "../detach-keys-option.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { attachRequestFor } from "../run-session.ts";

/** `bocker attach`: the streams of a running container, from now on. */
export const command: CommandSpec = {
  name: "attach",
  aliases: ["container attach"],
  summary: "Attach local standard input, output, and error streams to a running container",
  usage: "[OPTIONS] CONTAINER",
  options: [
    detachKeysOption,
    { name: "no-stdin", kind: "boolean", help: "Do not attach STDIN" },
    {
      name: "sig-proxy",
      kind: "boolean",
      help: "Proxy all received signals to the process",
      defaultText: "true",
    },
  ],
  example: "bocker attach web",
  minArguments: 1,
  maxArguments: 1,
  run: attach,
};

async function attach(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const keys = detachKeysOf(parsed);
  const engine = await openEngineFor(context);
  const record = await loadAttachable(engine, parsed.positionals[0] ?? "");
  const { tty } = record.config;
  const interactive = record.config.interactive && !parsed.boolean("no-stdin");
  const request = attachRequestFor({ tty, interactive }, []);
  checkInputTerminal({ stdin: request.stdin, tty });
  const session = await attachTo(engine, record, request);
  const events = clientEventsOf(engine, record.id);
  // Another size and back: a program on the terminal draws itself anew, so that its prompt is seen.
  if (request.size !== undefined) {
    session.resize({ rows: request.size.rows + 1, columns: request.size.columns + 1 });
    session.resize(request.size);
  }
  const result = await runAttached(session, {
    stdin: request.stdin,
    tty,
    sigProxy: parsed.has("sig-proxy") ? parsed.boolean("sig-proxy") : true,
    ...keys,
    brokenOutput: "leave",
    resized: events.resized,
  });
  if (result.kind === "exited") return result.exitCode;
  events.detached();
  return 0;
}

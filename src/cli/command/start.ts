import { clientEventsOf } from "../../engine/client-events.ts";
import { isLive } from "../../engine/container-state.ts";
import { loadStartable, startAgain } from "../../engine/run-container.ts";
import { takeMonitor } from "../../engine/take-monitor.ts";
import { BockerError } from "../../errors.ts";
import type { ContainerRecord } from "../../state/record.ts";
import { checkInputTerminal } from "../../terminal/run-attached.ts";
import { chooseContainers, chooserOptions, forEachChosen, insteadOfNames } from "../chosen-containers.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { detachKeysOf, detachKeysOption } from "../detach-keys-option.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { attachAndWait, attachRequestFor } from "../run-session.ts";

const isMeant = (record: ContainerRecord): boolean => !isLive(record);

/** `bocker start`: a container that was made or has ended. */
export const command: CommandSpec = {
  name: "start",
  aliases: ["container start"],
  summary: "Start one or more stopped containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: [
    {
      name: "attach",
      short: "a",
      kind: "boolean",
      help: "Attach STDOUT/STDERR and forward signals",
    },
    detachKeysOption,
    { name: "interactive", short: "i", kind: "boolean", help: "Attach container's STDIN" },
    ...chooserOptions("Start all containers that do not run", "fl"),
  ],
  example: "bocker start -a web",
  minArguments: 1,
  insteadOfArguments: insteadOfNames,
  async run(context, parsed) {
    if (parsed.boolean("attach") || parsed.boolean("interactive")) return startAttached(context, parsed);
    const engine = await openEngineFor(context);
    const failed = new Set<string>();
    const exitCode = await forEachChosen(context, parsed, engine, { isMeant }, async (name) => {
      failed.add(name);
      const record = await loadStartable(engine, name);
      const session = await startAgain(engine, record, takeMonitor(context.global));
      session?.detach();
      failed.delete(name);
    });
    if (failed.size > 0) context.err.write(`Error: failed to start containers: ${[...failed].join(", ")}\n`);
    return exitCode;
  },
};

async function startAttached(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const engine = await openEngineFor(context);
  const { names } = await chooseContainers(engine, parsed, isMeant);
  const [name, ...others] = names;
  if (others.length > 0) throw new BockerError("you cannot start and attach multiple containers at once");
  if (name === undefined) return 0;
  const record = await loadStartable(engine, name);
  const { tty } = record.config;
  const interactive = record.config.interactive && parsed.boolean("interactive");
  const keys = detachKeysOf(parsed);
  const request = attachRequestFor({ tty, interactive }, []);
  checkInputTerminal({ stdin: request.stdin, tty });
  const session = await startAgain(engine, record, takeMonitor(context.global), request);
  if (session === undefined) return 0;
  return attachAndWait(session, request, {
    tty,
    interactive,
    sigProxy: true,
    ...keys,
    ...clientEventsOf(engine, record.id),
  });
}

import {
  archiveFromContainer,
  type CopyOptions,
  copyFromContainer,
  copyToContainer,
  extractToContainer,
} from "../../engine/copy-files.ts";
import type { Engine } from "../../engine/engine.ts";
import { BockerError } from "../../errors.ts";
import { openOutput } from "../../terminal/output-target.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderSize } from "../table.ts";

/** `bocker cp`: files between the host and a container, either way. */
export const command: CommandSpec = {
  name: "cp",
  aliases: ["container cp"],
  summary: "Copy files/folders between a container and the local filesystem",
  usage:
    "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n        bocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  options: [
    { name: "archive", short: "a", kind: "boolean", help: "Archive mode (copy all uid/gid information)" },
    { name: "follow-link", short: "L", kind: "boolean", help: "Always follow symbol link in SRC_PATH" },
    {
      name: "quiet",
      short: "q",
      kind: "boolean",
      help: "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
    },
  ],
  example: "bocker cp web:/etc/nginx/nginx.conf .",
  minArguments: 2,
  maxArguments: 2,
  run: copy,
};

interface Place {
  /** Absent: the host. */
  readonly container?: string;
  readonly path: string;
}

async function copy(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const [from = "", to = ""] = parsed.positionals;
  if (from === "") throw refusal("source can not be empty");
  if (to === "") throw refusal("destination can not be empty");
  const places = [placeOf(from), placeOf(to)] as const;
  const [source, target] = places;
  if (source.container !== undefined && target.container !== undefined)
    throw refusal("copying between containers is not supported");
  if (source.container === undefined && target.container === undefined)
    throw refusal("must specify at least one container source");
  const options: CopyOptions = {
    archive: parsed.boolean("archive"),
    followLink: parsed.boolean("follow-link"),
    cwd: process.cwd(),
  };
  const engine = await openEngineFor(context);
  const bytes =
    source.container === undefined
      ? await copyIn(engine, source.path, target, options)
      : await copyOut(engine, source, to, options);
  const isQuiet = parsed.boolean("quiet") || !context.out.isTerminal;
  if (bytes !== undefined && !isQuiet)
    context.err.write(`Successfully copied ${renderSize(bytes)} to ${to}\n`);
  return 0;
}

async function copyIn(
  engine: Engine,
  from: string,
  { container = "", path }: Place,
  options: CopyOptions,
): Promise<number | undefined> {
  if (from !== "-") return copyToContainer(engine, from, container, path, options);
  await extractToContainer(engine, container, path);
  return undefined;
}

async function copyOut(
  engine: Engine,
  { container = "", path }: Place,
  to: string,
  options: CopyOptions,
): Promise<number | undefined> {
  if (to !== "-") return copyFromContainer(engine, container, path, to, options);
  const output = openOutput(1);
  try {
    for (const piece of await archiveFromContainer(engine, container, path, options)) {
      await output.write(piece);
    }
  } finally {
    output.close();
  }
  return undefined;
}

/** docker's splitCpArg: what begins with a slash or a dot is of the host, whatever colons follow. */
function placeOf(argument: string): Place {
  const colon = argument.indexOf(":");
  if (argument.startsWith("/") || argument.startsWith(".") || colon < 0) return { path: argument };
  return { container: argument.slice(0, colon), path: argument.slice(colon + 1) };
}

function refusal(reason: string): BockerError {
  return new BockerError(reason, { kind: "invalid-config" });
}

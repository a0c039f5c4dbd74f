import type { Engine } from "../../engine/engine.ts";
import { inspectObject, type ObjectKind } from "../../engine/inspect-object.ts";
import { BockerError } from "../../errors.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { inspectEach } from "../inspect-each.ts";
import type { ParsedArguments } from "../parse-argv.ts";

/** `bocker inspect`: everything known of objects, as JSON, a template, or a container's TOML. */
export const command: CommandSpec = {
  name: "inspect",
  summary: "Return low-level information on bocker objects",
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  options: [
    {
      name: "format",
      short: "f",
      kind: "string",
      help: "Format output: 'json', 'toml' (a container's configuration), or a Go template",
    },
    {
      name: "headers",
      kind: "boolean",
      help: "Say of each object what it is shown as, and show it by itself",
    },
    { name: "size", short: "s", kind: "boolean", help: "Display total file sizes if the type is container" },
    {
      name: "type",
      kind: "string",
      help: 'Only inspect objects of the given type ("container", "image", "network", "volume")',
    },
  ],
  example: "bocker inspect --format '{{.State.Status}}' web",
  minArguments: 1,
  run: inspectThem,
};

async function inspectThem(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const engine = await openEngineFor(context);
  const kind = kindOf(parsed.string("type"));
  const format = parsed.string("format");
  const size = parsed.boolean("size");
  if (parsed.boolean("headers") && format !== undefined)
    throw new BockerError("conflicting options: --headers shows JSON, and goes without --format", {
      kind: "usage",
    });
  if (format === "toml") return inspectToml(context, engine, parsed.positionals);
  if (parsed.boolean("headers")) {
    const asked = kind === undefined ? kinds : [kind];
    return inspectWithHeaders(context, parsed.positionals, asked, (name, each) =>
      inspectObject(engine, name, each, { size }),
    );
  }
  return inspectEach(context, parsed.positionals, format, (name) =>
    inspectObject(engine, name, kind, { size }),
  );
}

const kinds: readonly ObjectKind[] = ["container", "image", "network", "volume"];

function kindOf(text: string | undefined): ObjectKind | undefined {
  const kind = kinds.find((known) => known === text);
  if (kind !== undefined || text === undefined) return kind;
  throw new BockerError(`"${text}" is not a valid value for --type`, {
    kind: "usage",
    hint: kinds.join(", "),
  });
}

/** In the manner of an engine that takes any mix of objects: a line that says what each is, then its JSON. */
async function inspectWithHeaders(
  context: CommandContext,
  names: readonly string[],
  asked: readonly ObjectKind[],
  inspect: (name: string, kind: ObjectKind) => Promise<unknown>,
): Promise<number> {
  let exitCode = 0;
  for (const name of names) {
    for (const kind of asked) {
      try {
        const object = await inspect(name, kind);
        context.out.write(`Showing ${name} as a ${kind}:\n${JSON.stringify(object, null, 4)}\n`);
        break;
      } catch (error) {
        if (!(error instanceof BockerError) || error.kind !== "not-found") throw error;
        if (kind !== asked.at(-1)) continue;
        context.err.write(`Error: No such object: ${name}\n`);
        exitCode = 1;
      }
    }
  }
  return exitCode;
}

async function inspectToml(
  context: CommandContext,
  engine: Engine,
  names: readonly string[],
): Promise<number> {
  const [{ loadContainer }, { renderContainerToml }] = await Promise.all([
    import("../../engine/find-container.ts"),
    import("../../config/render-container-toml.ts"),
  ]);
  for (const name of names) {
    context.out.write(renderContainerToml((await loadContainer(engine, name)).config));
  }
  return 0;
}

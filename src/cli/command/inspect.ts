import type { Engine } from "../../engine/engine.ts";
import { inspectObject, type ObjectKind } from "../../engine/inspect-object.ts";
import { BockerError, ExitCode } from "../../errors.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderError } from "../render-error.ts";

/** `bocker inspect`: everything known of objects, as JSON, a template, or a container's TOML. */
export const command: CommandSpec = {
  name: "inspect",
  aliases: ["container inspect", "image inspect"],
  summary: "Return low-level information on bocker objects",
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  options: [
    {
      name: "format",
      short: "f",
      kind: "string",
      help: "Format output: 'json', 'toml' (a container's configuration), or a Go template",
    },
    { name: "type", kind: "string", help: 'Only inspect objects of the given type ("container", "image")' },
  ],
  example: "bocker inspect --format '{{.State.Status}}' web",
  minArguments: 1,
  run: inspectThem,
};

async function inspectThem(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const engine = await openEngineFor(context);
  const kind = kindOf(parsed.string("type"));
  const format = parsed.string("format");
  if (format === "toml") return inspectToml(context, engine, parsed.positionals);
  const found: unknown[] = [];
  const failures: unknown[] = [];
  for (const name of parsed.positionals) {
    try {
      found.push(await inspectObject(engine, name, kind));
    } catch (error) {
      failures.push(error);
    }
  }
  if (format === undefined || format === "json" || format === "") {
    const text = format === "json" ? JSON.stringify(found) : JSON.stringify(found, null, 4);
    context.out.write(`${text}\n`);
  } else {
    const { parseFormat } = await import("../format.ts");
    const template = parseFormat(format, { isStrict: true });
    for (const object of found) context.out.write(`${template.render(object)}\n`);
  }
  for (const error of failures) {
    context.err.write(renderError(error, { prefix: "Error: ", debug: context.global.debug }));
  }
  return failures.length > 0 ? ExitCode.failure : 0;
}

function kindOf(text: string | undefined): ObjectKind | undefined {
  if (text === undefined || text === "container" || text === "image") return text;
  throw new BockerError(`"${text}" is not a valid value for --type`, {
    kind: "usage",
    hint: "container or image",
  });
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

/**
 * The manner of every `inspect`: all names are looked up, what was found is printed as one JSON list or through a
 * template, what was not is a line each on standard error and exit code 1. As docker's inspect.go does it: a template that
 * prints nothing leaves an empty line, one that cannot be parsed is exit code 64.
 */
import { ExitCode, messageOf } from "../errors.ts";
import type { CommandContext } from "./command-spec.ts";
import type { Format } from "./format.ts";
import { renderError } from "./render-error.ts";
import { TemplateError } from "./template/template-error.ts";

const badTemplate = 64;

/** Prints what `inspect` resolves to for each name. */
export async function inspectEach(
  context: CommandContext,
  names: readonly string[],
  format: string | undefined,
  inspect: (name: string) => Promise<unknown>,
): Promise<number> {
  const failures: unknown[] = [];
  const found: unknown[] = [];
  let template: Format | undefined;
  try {
    template = await templateOf(format);
  } catch (error) {
    context.err.write(`${messageOf(error)}\n`);
    return badTemplate;
  }
  for (const name of names) {
    try {
      const object = await inspect(name);
      found.push(template === undefined ? object : template.render(object));
    } catch (error) {
      failures.push(error);
    }
  }
  context.out.write(template === undefined ? renderJson(found, format) : renderTexts(found));
  for (const error of failures) {
    const prefix = error instanceof TemplateError ? "" : "Error: ";
    context.err.write(renderError(error, { prefix, debug: context.global.debug }));
  }
  return failures.length > 0 ? ExitCode.failure : 0;
}

async function templateOf(format: string | undefined): Promise<Format | undefined> {
  if (format === undefined || format === "" || format === "json") return undefined;
  const [{ parseFormat }, { goView }] = await Promise.all([import("./format.ts"), import("./go-type.ts")]);
  return parseFormat(format, { isStrict: true, viewOf: goView });
}

function renderJson(found: readonly unknown[], format: string | undefined): string {
  return `${format === "json" ? JSON.stringify(found) : JSON.stringify(found, null, 4)}\n`;
}

function renderTexts(texts: readonly unknown[]): string {
  return texts.length === 0 ? "\n" : texts.map((text) => `${text}\n`).join("");
}

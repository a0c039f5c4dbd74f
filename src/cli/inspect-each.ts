/**
 * The manner of every `inspect`: all names are looked up, what was found is printed as one JSON list or through a
 * template, what was not is a line each on standard error and exit code 1.
 */
import { ExitCode } from "../errors.ts";
import type { CommandContext } from "./command-spec.ts";
import { renderError } from "./render-error.ts";

/** Prints what `inspect` resolves to for each name. Throws TemplateError for a bad `format`. */
export async function inspectEach(
  context: CommandContext,
  names: readonly string[],
  format: string | undefined,
  inspect: (name: string) => Promise<unknown>,
): Promise<number> {
  const template =
    format === undefined || format === "" || format === "json"
      ? undefined
      : (await import("./format.ts")).parseFormat(format, { isStrict: true });
  const found: unknown[] = [];
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      found.push(await inspect(name));
    } catch (error) {
      failures.push(error);
    }
  }
  if (template === undefined) {
    const text = format === "json" ? JSON.stringify(found) : JSON.stringify(found, null, 4);
    context.out.write(`${text}\n`);
  } else {
    for (const object of found) context.out.write(`${template.render(object)}\n`);
  }
  for (const error of failures) {
    context.err.write(renderError(error, { prefix: "Error: ", debug: context.global.debug }));
  }
  return failures.length > 0 ? ExitCode.failure : 0;
}

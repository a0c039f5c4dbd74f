/**
 * `--log-opt tag=…`: docker's names of a container in its log (daemon/logger/loggerutils), a template of fields only.
 * Pure.
 */

/** What a tag can say, by docker's names. */
export interface LogTagFields {
  readonly ID: string;
  readonly FullID: string;
  readonly Name: string;
  readonly ImageID: string;
  readonly ImageFullID: string;
  readonly ImageName: string;
  readonly DaemonName: string;
}

const names = ["ID", "FullID", "Name", "ImageID", "ImageFullID", "ImageName", "DaemonName"] as const;
const action = /\{\{-?\s*([\s\S]*?)\s*-?\}\}/g;

/** The tag itself. Throws Error(reason) for what is no field. */
export function checkLogTag(tag: string): string {
  for (const [, field = ""] of tag.matchAll(action)) nameOf(field);
  if (/\{\{|\}\}/.test(tag.replaceAll(action, ""))) throw new Error(`invalid log tag ${JSON.stringify(tag)}`);
  return tag;
}

/** The tag with its fields filled in. */
export function renderLogTag(tag: string, fields: LogTagFields): string {
  return tag.replaceAll(action, (_whole, field: string) => fields[nameOf(field)]);
}

function nameOf(field: string): keyof LogTagFields {
  const name = names.find((each) => field === `.${each}`);
  if (name !== undefined) return name;
  const known = names.map((each) => `{{.${each}}}`).join(" ");
  throw new Error(`invalid log tag field "{{${field}}}": must be one of ${known}`);
}

/**
 * Whether an object fits `--filter`: values of one name are alternatives (of `label` all are required), and what was not
 * asked for is true. Pure.
 */
import type { Filters } from "./filter-option.ts";

type Labels = Readonly<Record<string, string>>;

/** Whether labels have every `key` or `key=value` of the filter. */
export function matchesLabels(filters: Filters, labels: Labels, name = "label"): boolean {
  return (filters.get(name) ?? []).every((wanted) => {
    const equals = wanted.indexOf("=");
    const key = equals < 0 ? wanted : wanted.slice(0, equals);
    return Object.hasOwn(labels, key) && (equals < 0 || labels[key] === wanted.slice(equals + 1));
  });
}

/** Whether a text is one of the filter's values, or matches one as a regular expression. */
export function matchesPattern(filters: Filters, name: string, text: string): boolean {
  const values = filters.get(name);
  return values === undefined || values.some((value) => text === value || isMatch(value, text));
}

/** Whether a text is one of the filter's values. */
export function matchesExactly(filters: Filters, name: string, text: string): boolean {
  return filters.get(name)?.includes(text) ?? true;
}

function isMatch(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return false;
  }
}

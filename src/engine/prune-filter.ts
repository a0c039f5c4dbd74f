/**
 * Which things a prune command takes, by age and labels; the same for every kind. Pure.
 */

export interface PruneFilter {
  /** Only what was made before. */
  readonly untilMs?: number;
  /** `key` or `key=value`; all must be there, or none of `notLabels`. */
  readonly labels: readonly string[];
  readonly notLabels: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** Whether something may go; its labels are asked for only when they decide. */
export function passesFilter(filter: PruneFilter, createdAtMs: number, labelsOf: () => Labels): boolean {
  if (filter.untilMs !== undefined && !(createdAtMs < filter.untilMs)) return false;
  if (filter.labels.length === 0 && filter.notLabels.length === 0) return true;
  const labels = labelsOf();
  return (
    filter.labels.every((label) => hasLabel(labels, label)) &&
    !filter.notLabels.some((label) => hasLabel(labels, label))
  );
}

/** Whether `key` is there, or `key=value` with that value. */
export function hasLabel(labels: Labels, label: string): boolean {
  const equals = label.indexOf("=");
  const key = equals < 0 ? label : label.slice(0, equals);
  return Object.hasOwn(labels, key) && (equals < 0 || labels[key] === label.slice(equals + 1));
}

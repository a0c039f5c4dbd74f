/**
 * Which images `images --filter` and `images NAME` show.
 */
import { BockerError } from "../errors.ts";
import { matchesFamiliar, parsePattern } from "../image/familiar-match.ts";
import { parseReference } from "../image/reference.ts";
import { loadImageConfig } from "../storage/local-image.ts";
import type { Engine } from "./engine.ts";
import { findImage } from "./find-image.ts";
import type { ImageRow } from "./list-images.ts";

/** Each kind that is given must hold; of several values of one kind one is enough, but for labels, which all must be there. */
export interface ImageFilter {
  /** Only what has neither tag nor digest, or only what has. */
  readonly dangling?: boolean;
  /** `key` or `key=value`. */
  readonly labels: readonly string[];
  /** Names or ids: made before, or after, all of these. */
  readonly before: readonly string[];
  readonly since: readonly string[];
  /** Made before this moment. */
  readonly untilMs?: number;
  /** Shell patterns of names; see familiar-match.ts. */
  readonly references: readonly string[];
}

/** The rows that the filter lets through. Throws docker's errors for images and patterns that are none. */
export async function filterImageRows(
  engine: Engine,
  rows: readonly ImageRow[],
  filter: ImageFilter,
): Promise<readonly ImageRow[]> {
  const before = await earliest(engine, filter.before, Math.min, Number.POSITIVE_INFINITY);
  const since = await earliest(engine, filter.since, Math.max, Number.NEGATIVE_INFINITY);
  const patterns = filter.references.map(parsePattern);
  const labels = new Map<string, Labels>();
  return rows.filter((row) => {
    const { createdAtMs } = row.image;
    if (!(createdAtMs < before && createdAtMs > since)) return false;
    if (filter.untilMs !== undefined && !(createdAtMs < filter.untilMs)) return false;
    if (filter.dangling !== undefined && filter.dangling !== isDangling(row)) return false;
    if (patterns.length > 0 && !patterns.some((pattern) => isNamed(row, pattern))) return false;
    return filter.labels.every((label) => hasLabel(labelsOnce(engine, row, labels), label));
  });
}

async function earliest(
  engine: Engine,
  names: readonly string[],
  choose: (...times: number[]) => number,
  none: number,
): Promise<number> {
  let time = none;
  for (const name of names) time = choose(time, (await findImage(engine, name)).createdAtMs);
  return time;
}

function isDangling(row: ImageRow): boolean {
  return row.repository === "<none>";
}

function isNamed(row: ImageRow, pattern: RegExp): boolean {
  if (isDangling(row)) return false;
  const suffix = row.tag === "<none>" ? `@${row.digest}` : `:${row.tag}`;
  return matchesFamiliar(pattern, parseReference(row.repository + suffix));
}

type Labels = Readonly<Record<string, string>>;

/** Tags of one image share its labels. */
function labelsOnce(engine: Engine, row: ImageRow, known: Map<string, Labels>): Labels {
  const labels = known.get(row.image.id) ?? labelsOf(engine, row);
  known.set(row.image.id, labels);
  return labels;
}

function hasLabel(labels: Labels, label: string): boolean {
  const equals = label.indexOf("=");
  const key = equals < 0 ? label : label.slice(0, equals);
  if (!Object.hasOwn(labels, key)) return false;
  return equals < 0 || labels[key] === label.slice(equals + 1);
}

/** An image whose config is damaged has no labels; `inspect` says what is wrong with it. */
function labelsOf(engine: Engine, row: ImageRow): Labels {
  try {
    return loadImageConfig(engine.paths, row.image).config.Labels ?? {};
  } catch (error) {
    if (error instanceof BockerError) return {};
    throw error;
  }
}

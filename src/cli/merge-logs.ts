/**
 * Several containers' logs as one, by the time of their entries. Each log is in order by itself; of each only what was
 * read last is kept in memory. Pure but for the reading.
 */
import { type ContainerLog, type LogEntry, padLogTime } from "../engine/container-logs.ts";

export interface LogRun {
  /** Which of the logs. */
  readonly index: number;
  /** Neighbours in time, at least one. */
  readonly entries: readonly LogEntry[];
}

interface Head {
  readonly index: number;
  readonly batches: AsyncIterator<readonly LogEntry[]>;
  entries: readonly LogEntry[];
  at: number;
}

/** Runs of entries of one log each; where times are equal the first log comes first. */
export async function* mergeLogs(logs: readonly ContainerLog[]): AsyncGenerator<LogRun, void, undefined> {
  let heads: Head[] = logs.map(({ batches }, index) => ({
    index,
    batches: batches[Symbol.asyncIterator](),
    entries: [],
    at: 0,
  }));
  for (;;) {
    heads = (await Promise.all(heads.map(refill))).filter((head) => head !== undefined);
    const [first, second] = heads.toSorted((left, right) => compare(timeOf(left), timeOf(right)));
    if (first === undefined) return;
    const limit = second === undefined ? undefined : timeOf(second);
    const start = first.at++;
    while (first.at < first.entries.length && (limit === undefined || timeOf(first) < limit)) first.at++;
    yield { index: first.index, entries: first.entries.slice(start, first.at) };
  }
}

/** Undefined: that log is at its end. */
async function refill(head: Head): Promise<Head | undefined> {
  while (head.at >= head.entries.length) {
    const { done, value } = await head.batches.next();
    if (done === true) return undefined;
    head.entries = value;
    head.at = 0;
  }
  return head;
}

/** Both formats write UTC, so that texts of equal length sort as times do. */
function timeOf({ entries, at }: Head): string {
  return padLogTime(entries[at]?.time ?? "");
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * `events CONTAINER`: a line of JSON with the container's numbers, once or again and again, and one each time that it
 * ran out of memory. Ends with the container.
 */
import { readOomKills } from "../../cgroup/cgroup-stats.ts";
import { BockerError } from "../../errors.ts";
import { renderStatsEvent } from "../container-stats.ts";
import { cgroupOf, statusOf } from "../container-status.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";
import { usage } from "../option.ts";
import { printLine } from "../standard-output.ts";

/** How soon a death by lack of memory, or the container's end, is noticed. */
const lookMs = 200;

/** Returns when the container has ended, at once with --stats. */
export async function run({ store }: OciContext, invocation: OciInvocation): Promise<number> {
  const { options } = invocation;
  const [id = ""] = invocation.arguments;
  const intervalMs = parseInterval(options.value("interval") ?? "5s");
  const record = store.load(id);
  if (statusOf(store, record) === "stopped") {
    throw new BockerError(`container with id ${id} is not running`, { kind: "not-running" });
  }
  const cgroup = cgroupOf(record);
  if (cgroup === undefined) {
    throw new BockerError("cannot read what the container uses: it has no cgroup", { kind: "unsupported" });
  }
  printLine(renderStatsEvent(id, cgroup));
  if (options.flag("stats")) return 0;
  let kills = readOomKills(cgroup);
  for (let waited = lookMs; ; waited += lookMs) {
    await Bun.sleep(lookMs);
    const now = readOomKills(cgroup);
    if (now > kills) printLine(JSON.stringify({ type: "oom", id }));
    kills = now;
    if (statusOf(store, record) === "stopped") return 0;
    if (waited % intervalMs < lookMs) printLine(renderStatsEvent(id, cgroup));
  }
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's durations, as far as anybody writes them here: `500ms`, `5s`, `1.5m`. */
function parseInterval(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const ms = Number(match?.[1] ?? 0) * (unitMs[match?.[2] ?? ""] ?? 0);
  if (ms > 0) return ms;
  throw usage(`invalid value ${JSON.stringify(text)} for --interval (expected a duration such as 5s)`);
}

/**
 * Measuring whole commands beside each other: rounds in turn (A B C A B C …), so that a busy moment of the machine hits
 * all alike, and medians, so that it hardly counts.
 */

export interface Contestant {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Run after each round, untimed: puts things back as they were. */
  readonly after?: readonly string[];
}

export interface Timing {
  readonly name: string;
  readonly medianMs: number;
  readonly fastestMs: number;
  readonly runs: number;
}

/**
 * Runs every contestant once to warm up, then `rounds` times in turn. Throws when one fails: a quick failure is
 * not a good time.
 */
export function measure(contestants: readonly Contestant[], rounds: number): readonly Timing[] {
  const times = contestants.map((): number[] => []);
  for (const contestant of contestants) runOnce(contestant);
  for (let round = 0; round < rounds; round++) {
    contestants.forEach((contestant, at) => {
      times[at]?.push(runOnce(contestant));
    });
  }
  return contestants.map(({ name }, at) => ({
    name,
    medianMs: median(times[at] ?? []),
    fastestMs: Math.min(...(times[at] ?? [])),
    runs: rounds,
  }));
}

/** What one engine still cleans up when its command has returned must not slow the next one down. */
const settleMs = 60;

/** Milliseconds from start to end of one process. */
function runOnce(contestant: Contestant): number {
  const started = performance.now();
  runCommand(contestant, contestant.argv);
  const elapsed = performance.now() - started;
  if (contestant.after !== undefined) runCommand(contestant, contestant.after);
  Bun.sleepSync(settleMs);
  return elapsed;
}

function runCommand({ name, env, cwd }: Contestant, argv: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...argv], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (exitCode !== 0) throw new Error(`${name}: exit ${exitCode}: ${stderr.toString().trim()}`);
}

/** The middle value; the mean of the middle two of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** A Markdown table whose ratio column says how many times the first contestant's time each one takes. */
export function renderTimings(title: string, timings: readonly Timing[]): string {
  const own = timings[0]?.medianMs ?? Number.NaN;
  const rows = timings.map(
    ({ name, medianMs, fastestMs }) =>
      `| ${name} | ${medianMs.toFixed(1)} | ${fastestMs.toFixed(1)} | ${(medianMs / own).toFixed(2)} |`,
  );
  return [`### ${title}`, "", "| | median ms | fastest ms | ratio |", "|---|---|---|---|", ...rows, ""].join(
    "\n",
  );
}

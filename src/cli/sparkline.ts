/**
 * A row of numbers as a row of bars, one character each: `▁▂▅█▅▂`. Pure.
 */

const bars = "▁▂▃▄▅▆▇█";

/** Bars between `low` (the lowest bar) and `high` (the highest); what is outside is cut. */
export function renderSparkline(values: readonly number[], low: number, high: number): string {
  const span = high - low;
  return values
    .map((value) => {
      const share = span <= 0 ? 0 : Math.min(1, Math.max(0, (value - low) / span));
      return bars[Math.round(share * (bars.length - 1))];
    })
    .join("");
}

/** Whether a terminal of this environment shows such characters: locale(7) says which encoding it has. */
export function showsBars(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => value !== undefined && value !== "");
  return env.TERM !== "dumb" && (locale === undefined || /utf-?8/i.test(locale));
}

/** The bars behind the live table of `stats`, and when a terminal gets them. */
import { describe, expect, test } from "bun:test";
import { renderSparkline, showsBars } from "../../../src/cli/sparkline.ts";
import { overwrite, renderWithBars, StatsHistory } from "../../../src/cli/stats-screen.ts";

describe("bars", () => {
  test("from the lowest to the highest, cut outside", () => {
    expect(renderSparkline([0, 50, 100], 0, 100)).toBe("▁▅█");
    expect(renderSparkline([-1, 200], 0, 100)).toBe("▁█");
    expect(renderSparkline([7, 7], 7, 7)).toBe("▁▁");
    expect(renderSparkline([], 0, 1)).toBe("");
  });

  test("only where the encoding has them", () => {
    expect(showsBars({})).toBe(true);
    expect(showsBars({ LANG: "de_DE.UTF-8" })).toBe(true);
    expect(showsBars({ LANG: "de_DE.UTF-8", LC_ALL: "C" })).toBe(false);
    expect(showsBars({ LANG: "en_US.utf8", LC_ALL: "" })).toBe(true);
    expect(showsBars({ TERM: "dumb" })).toBe(false);
  });
});

describe("history", () => {
  const point = (cpuPercent: number, memoryBytes = 1000) => ({ cpuPercent, memoryBytes });

  test("noise of an idle container is no peak, a steady use a flat line", () => {
    const history = new StatsHistory();
    for (const cpu of [0.01, 0.02, 0]) history.add("a", point(cpu));
    expect(history.barsOf("a")).toEqual(["▁▁▁", "▁▁▁"]);
    history.add("a", point(80, 2000));
    expect(history.barsOf("a")).toEqual(["▁▁▁█", "▁▁▁█"]);
    expect(history.barsOf("nobody")).toEqual(["", ""]);
  });

  test("forgets what is older than fifteen looks", () => {
    const history = new StatsHistory();
    for (let look = 0; look < 40; look++) history.add("a", point(look));
    expect([...history.barsOf("a")[0]]).toHaveLength(15);
  });
});

describe("table", () => {
  const titles = ["ID", "CPU %"];
  const rows = [{ id: "a", cells: ["aaa", "1.00%"] }];
  const history = new StatsHistory();
  history.add("a", { cpuPercent: 10, memoryBytes: 5 });

  test("as many histories as fit, docker's columns always", () => {
    expect(renderWithBars({ titles, rows }, history, 80)).toBe(
      "ID        CPU %     CPU HISTORY   MEM HISTORY\naaa       1.00%     █             ▁\n",
    );
    expect(renderWithBars({ titles, rows }, history, 40)).toBe(
      "ID        CPU %     CPU HISTORY\naaa       1.00%     █\n",
    );
    expect(renderWithBars({ titles, rows }, history, 5)).toBe("ID        CPU %\naaa       1.00%\n");
  });

  test("a frame clears what it is drawn over", () => {
    expect(overwrite("a\nb\n")).toBe("\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
  });
});
